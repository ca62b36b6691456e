using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Graphs.Integers;

/// <summary>Operators of ONNX Runtime's own that work on elements, windows or rows of integers.</summary>
internal static class ElementRules
{
    // Before it, Softmax took all dimensions from its axis on as one.
    private const int FirstOpsetOfSoftmax = 13;

    /// <summary>Two operands, each with scale and zero point, then those of the result.</summary>
    public static bool Binary(NodeProto node, string op, Dequantization to)
    {
        if (node.Operand(7).Length == 0)
        {
            return false;
        }
        string[] inputs =
        [
            to.Floats(node.Operand(0), node.Operand(1), node.Operand(2)), to.Floats(node.Operand(3), node.Operand(4), node.Operand(5)),
        ];
        to.Replace(node, op, inputs, node.Operand(6), node.Operand(7));
        return true;
    }

    /// <summary>An operand with scale and zero point, then those of the result.</summary>
    public static bool Unary(NodeProto node, string op, Dequantization to)
    {
        if (node.Operand(4).Length == 0 || node.Integer("channels_last", 0) != 0)
        {
            return false;
        }
        to.Replace(node, op, [to.Floats(node.Operand(0), node.Operand(1), node.Operand(2))], node.Operand(3), node.Operand(4));
        return true;
    }

    /// <summary>The same; the attribute <c>opset</c> says which Softmax is meant.</summary>
    public static bool Softmax(NodeProto node, Dequantization to)
    {
        if (node.Integer("opset", 0) < FirstOpsetOfSoftmax && node.Integer("axis", -1) != -1)
        {
            return false;
        }
        node.Take("opset");
        return Unary(node, "Softmax", to);
    }

    /// <summary>Scale and zero point of the result, then each operand with its own.</summary>
    public static bool Concat(NodeProto node, Dequantization to)
    {
        if (node.Operand(1).Length == 0 || node.Operands().Count % 3 != 2)
        {
            return false;
        }
        var operands = node.Operands().Skip(2).Chunk(3).Select(operand => to.Floats(operand[0], operand[1], operand[2]));
        to.Replace(node, "Concat", [.. operands], node.Operand(0), node.Operand(1));
        return true;
    }

    /// <summary>A condition, two operands with scale and zero point, then those of the result.</summary>
    public static bool Where(NodeProto node, Dequantization to)
    {
        if (node.Operand(8).Length == 0)
        {
            return false;
        }
        string[] inputs =
        [
            node.Operand(0), to.Floats(node.Operand(1), node.Operand(2), node.Operand(3)),
            to.Floats(node.Operand(4), node.Operand(5), node.Operand(6)),
        ];
        to.Replace(node, "Where", inputs, node.Operand(7), node.Operand(8));
        return true;
    }

    /// <summary>QuantizeLinear and DequantizeLinear had types of 4 and 16 bits there before the standard ones had them.</summary>
    public static bool AsStandard(NodeProto node, Dequantization to)
    {
        to.Add(node.OpType, [.. node.Operands()], node.Output[0], [.. node.Attribute]);
        return true;
    }
}
