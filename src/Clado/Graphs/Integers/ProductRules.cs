using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Graphs.Integers;

/// <summary>Convolutions and matrix products of integers.</summary>
internal static class ProductRules
{
    /// <summary>QLinearConv: x, its scale and zero point, w, its own, those of y, and a bias on the grid of sums.</summary>
    public static bool Convolution(NodeProto node, Dequantization to)
    {
        var (scale, scales) = (node.Operand(1), node.Operand(4));
        if (node.Integer("channels_last", 0) != 0 || node.Operand(7).Length == 0
            || !to.Constants.AreVectors(scale, scales, node.Operand(6)))
        {
            return false;
        }
        List<string> inputs = [to.Floats(node.Operand(0), scale, node.Operand(2)), to.Floats(node.Operand(3), scales, node.Operand(5))];
        if (node.Operand(8).Length > 0)
        {
            inputs.Add(Bias(node.Operand(8), scale, scales, 0, to));
        }
        to.Replace(node, "Conv", [.. inputs], node.Operand(6), node.Operand(7));
        return true;
    }

    /// <summary>QLinearMatMul: scales one a row on the left, one a column on the right, or one for all.</summary>
    public static bool Product(NodeProto node, Dequantization to)
    {
        if (node.Operand(7).Length == 0 || !to.Constants.AreVectors(node.Operand(1), node.Operand(4), node.Operand(6)))
        {
            return false;
        }
        var left = to.Floats(node.Operand(0), node.Operand(1), node.Operand(2), axis: -2);
        var right = to.Floats(node.Operand(3), node.Operand(4), node.Operand(5), axis: -1);
        to.Replace(node, "MatMul", [left, right], node.Operand(6), node.Operand(7));
        return true;
    }

    /// <summary>ConvInteger: the sums of products of codes, as 32-bit integers.</summary>
    public static bool IntegerConvolution(NodeProto node, Dequantization to)
    {
        var image = to.Floats(node.Operand(0), null, node.Operand(2));
        var weight = to.Floats(node.Operand(1), null, node.Operand(3));
        return Integers(node, "Conv", image, weight, to);
    }

    /// <summary>MatMulInteger: the same of a matrix product.</summary>
    public static bool IntegerProduct(NodeProto node, Dequantization to)
    {
        if (!to.Constants.AreVectors(node.Operand(2), node.Operand(3)))
        {
            return false;
        }
        var left = to.Floats(node.Operand(0), null, node.Operand(2), axis: -2);
        var right = to.Floats(node.Operand(1), null, node.Operand(3), axis: -1);
        return Integers(node, "MatMul", left, right, to);
    }

    /// <summary>QGemm: alpha multiplies the bias, too; without a scale of y the result is float.</summary>
    public static bool Gemm(NodeProto node, Dequantization to)
    {
        var (scale, scales) = (node.Operand(1), node.Operand(4));
        if ((node.Operand(7).Length > 0 && node.Operand(8).Length == 0) || !to.Constants.AreVectors(scale, scales, node.Operand(7)))
        {
            return false;
        }
        int axis = node.Integer("transB", 0) != 0 ? 0 : 1;
        List<string> inputs =
            [to.Floats(node.Operand(0), scale, node.Operand(2)), to.Floats(node.Operand(3), scales, node.Operand(5), axis)];
        if (node.Operand(6).Length > 0)
        {
            inputs.Add(Bias(node.Operand(6), scale, scales, -1, to));
            if (node.Find("alpha")?.Clone() is { } alpha)
            {
                alpha.Name = "beta";
                node.Attribute.Add(alpha);
            }
        }
        to.Replace(node, "Gemm", [.. inputs], node.Operand(7), node.Operand(8));
        return true;
    }

    /// <summary>MatMulIntegerToFloat: A, B, their scales, their zero points, a float bias.</summary>
    public static bool ProductToFloat(NodeProto node, Dequantization to)
    {
        if (!to.Constants.AreVectors(node.Operand(2), node.Operand(3)))
        {
            return false;
        }
        var left = to.Floats(node.Operand(0), node.Operand(2), node.Operand(4), axis: -2);
        var right = to.Floats(node.Operand(1), node.Operand(3), node.Operand(5), axis: -1);
        Biased(node, left, right, node.Operand(6), to);
        return true;
    }

    /// <summary>DynamicQuantizeMatMul: A is rounded to a grid of its own range, B has scale and zero point; a float bias.</summary>
    public static bool DynamicProduct(NodeProto node, Dequantization to)
    {
        if (!to.Constants.AreVectors(node.Operand(2)))
        {
            return false;
        }
        var (codes, scale, zeroPoint) = to.Rounded(node.Operand(0));
        var right = to.Floats(node.Operand(1), node.Operand(2), node.Operand(3), axis: -1);
        Biased(node, to.Floats(codes, scale, zeroPoint), right, node.Operand(4), to);
        return true;
    }

    /// <summary>A product and a float bias behind it.</summary>
    internal static void Biased(NodeProto node, string left, string right, string bias, Dequantization to)
    {
        if (bias.Length == 0)
        {
            to.Replace(Plain(node, node.Output[0]), "MatMul", [left, right]);
            return;
        }
        var product = to.Constants.Fresh($"{node.Output[0]}_product");
        to.Replace(Plain(node, product), "MatMul", [left, right]);
        to.Add("Add", [product, bias], node.Output[0]);
    }

    /// <summary>A node of that name without attributes, which MatMul has none of.</summary>
    private static NodeProto Plain(NodeProto node, string output)
    {
        var plain = Node("MatMul", [], output);
        plain.Name = node.Name;
        return plain;
    }

    private static bool Integers(NodeProto node, string op, string left, string right, Dequantization to)
    {
        var (output, sum) = (node.Output[0], to.Constants.Fresh($"{node.Output[0]}_float"));
        node.Output[0] = sum;
        to.Replace(node, op, [left, right]);
        to.Sum(sum, output);
        return true;
    }

    /// <summary>A bias of 32-bit integers, whose step is the product of the scales.</summary>
    private static string Bias(string codes, string scale, string scales, int axis, Dequantization to) =>
        to.Floats(codes, to.Product(scale, scales), "", axis);
}
