using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Graphs;

/// <summary>Operators that compute with integers become float operators between grids, and the network stays the same.</summary>
public class IntegerOperatorTests
{
    private const DataType U8 = DataType.Uint8, S8 = DataType.Int8;

    /// <summary>The operators, and how many layers they are.</summary>
    public static TheoryData<string, int> Operators() => new()
    {
        { "QLinearConv", 1 }, { "QLinearConv of int8", 1 }, { "QLinearConv by channel", 1 }, { "QLinearConv with groups", 1 },
        { "QLinearConv with one zero point for scales by channel", 1 }, { "QLinearConv of unsigned weights", 1 },
        { "QLinearMatMul", 1 }, { "QLinearMatMul by channel", 1 }, { "QLinearMatMul of activations", 0 },
        { "ConvInteger", 1 }, { "ConvInteger without zero points", 1 },
        { "MatMulInteger", 1 }, { "MatMulInteger by channel", 1 },
        { "QGemm", 1 }, { "QGemm transposed by channel", 1 }, { "QGemm to float", 1 }, { "QGemm without bias", 1 },
        { "MatMulIntegerToFloat", 1 }, { "DynamicQuantizeMatMul", 1 },
        { "MatMulNBits", 1 }, { "MatMulNBits of 8 bits", 1 }, { "MatMulNBits with zero points", 1 },
        { "QLinearAdd", 0 }, { "QLinearMul", 0 }, { "QLinearAveragePool", 0 }, { "QLinearGlobalAveragePool", 0 },
        { "QLinearLeakyRelu", 0 }, { "QLinearSigmoid", 0 }, { "QLinearSoftmax", 0 }, { "QLinearConcat", 0 },
        { "QLinearWhere", 0 }, { "QuantizeLinear of 16 bits", 0 }, { "MaxPool of codes", 0 },
    };

    [Theory]
    [MemberData(nameof(Operators))]
    public void TheNetworkStaysTheSame(string form, int layers)
    {
        foreach (int opset in (int[])[OpsetUpgrade.TargetOpset, OpsetUpgrade.EarlierOpset])
        {
            var net = new IntegerNetwork();
            float step = Add(net, form);
            var model = net.Build();
            var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "test.onnx", opset), "test.onnx");
            Assert.DoesNotContain(graph.Nodes, n => n.Domain.Length > 0 || n.OpType.Contains("Integer", StringComparison.Ordinal)
                || n.OpType.StartsWith("QLinear", StringComparison.Ordinal));
            Assert.Equal(layers, LayerFinder.Find(graph).Layers.Count);
            var (expected, actual) = (Harness.Outputs(model, integers: true), Harness.Outputs(graph.Model));
            Assert.Equal(expected.Length, actual.Length);
            // A value between two grid points may fall to either side, where sums are formed in another order.
            Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, (1.001 * step) + 1e-4));
            Assert.InRange(expected.Zip(actual).Count(p => Math.Abs(p.First - p.Second) > 1e-4), 0, expected.Length / 8);
            Assert.Contains(expected, value => Math.Abs(value) > 10 * step);
        }
    }

    /// <summary>Adds the operator, from x to floats; gives the step of the output's grid, 0 where it has none.</summary>
    private static float Add(IntegerNetwork net, string form)
    {
        var op = form.Split(' ')[0];
        return op switch
        {
            "QLinearConv" => Convolution(net, form),
            "QLinearMatMul" or "QGemm" => Product(net, op, form),
            "ConvInteger" or "MatMulInteger" => Sums(net, op, form),
            "MatMulIntegerToFloat" or "DynamicQuantizeMatMul" => Mixed(net, op),
            "MatMulNBits" => Blocks(net, form),
            _ => Elements(net, op),
        };
    }

    private static float Convolution(IntegerNetwork net, string form)
    {
        const float Step = 0.05f;
        var type = form.EndsWith("int8", StringComparison.Ordinal) ? S8 : U8;
        bool grouped = form.EndsWith("groups", StringComparison.Ordinal), unsigned = form.EndsWith("weights", StringComparison.Ordinal);
        bool oneZero = form.Contains("one zero", StringComparison.Ordinal);
        bool byChannel = form.Contains("by channel", StringComparison.Ordinal);
        var (scale, zero) = (net.Scale(0.01f), net.Zero(type, type == U8 ? 120 : -3));
        var codes = net.Add("QuantizeLinear", ["x", scale, zero]);
        int channels = grouped ? 6 : 4;
        var scales = byChannel ? net.Scales(channels) : net.Scale(0.02f);
        var zeros = byChannel && !oneZero ? net.Zero(S8, new int[channels]) : unsigned ? net.Zero(U8, 131) : net.Zero(S8, 0);
        var (outputScale, outputZero) = (net.Scale(Step), net.Zero(type, type == U8 ? 100 : 5));
        string[] inputs =
        [
            codes, scale, zero, net.Codes(unsigned ? U8 : S8, unsigned ? 255 : 63, channels, grouped ? 1 : 3, 3, 3), scales, zeros,
            outputScale, outputZero, net.Codes(DataType.Int32, 2000, channels),
        ];
        var made = net.Add("QLinearConv", inputs, "", Attribute("pads", 1, 1, 1, 1), Attribute("group", grouped ? 3 : 1));
        net.Add("DequantizeLinear", [made, outputScale, outputZero]);
        return Step;
    }

    private static float Product(IntegerNetwork net, string op, string form)
    {
        const float Step = 0.05f;
        bool byChannel = form.Contains("by channel", StringComparison.Ordinal), toFloat = form.EndsWith("float", StringComparison.Ordinal);
        bool transposed = form.Contains("transposed", StringComparison.Ordinal);
        var (scale, zero) = (net.Scale(0.01f), net.Zero(U8, 120));
        var codes = net.Add("QuantizeLinear", [net.Add("Flatten", ["x"]), scale, zero]);
        var scales = byChannel ? net.Scales(5, 0.002f) : net.Scale(0.002f);
        var zeros = byChannel ? net.Zero(S8, new int[5]) : net.Zero(S8, op == "QGemm" ? 0 : 3);
        var (outputScale, outputZero) = (net.Scale(Step), net.Zero(U8, 128));
        var weight = transposed ? net.Codes(S8, 63, 5, 192) : net.Codes(S8, 63, 192, 5);
        if (form.EndsWith("activations", StringComparison.Ordinal))
        {
            weight = net.Add("Transpose", [codes], "", Attribute("perm", 1, 0));
            (scales, zeros) = (scale, zero);
        }
        string made;
        if (op == "QLinearMatMul")
        {
            made = net.Add(op, [codes, scale, zero, weight, scales, zeros, outputScale, outputZero]);
        }
        else
        {
            var bias = form.EndsWith("bias", StringComparison.Ordinal) ? "" : net.Codes(DataType.Int32, 20000, 5);
            string[] output = toFloat ? [] : [outputScale, outputZero];
            made = net.Own(op, [codes, scale, zero, weight, scales, zeros, bias, .. output],
                IntegerNetwork.Float("alpha", 0.7f), Attribute("transB", transposed ? 1 : 0));
        }
        if (!toFloat)
        {
            net.Add("DequantizeLinear", [made, outputScale, outputZero]);
        }
        return toFloat ? 0 : Step;
    }

    /// <summary>As dynamic quantization writes it: the sums, made float, times the scales.</summary>
    private static float Sums(IntegerNetwork net, string op, string form)
    {
        bool byChannel = form.Contains("by channel", StringComparison.Ordinal), plain = form.Contains("without", StringComparison.Ordinal);
        bool isProduct = op == "MatMulInteger";
        var input = isProduct ? net.Add("Flatten", ["x"]) : "x";
        net.Net.Add("DynamicQuantizeLinear", [input], "codes");
        net.Net.Model.Graph.Node[^1].Output.Add(["scale", "zero"]);
        var weight = isProduct ? net.Codes(S8, 100, 192, 5) : net.Codes(S8, 100, 4, 3, 3, 3);
        var zeros = byChannel ? net.Zero(S8, isProduct ? [1, 2, 3, 4, 5] : [0, 0, 0, 0]) : net.Zero(S8, 0);
        string[] points = plain ? [] : ["zero", zeros];
        var sums = net.Add(op, ["codes", weight, .. points]);
        var floats = net.Add("Cast", [sums], "", Attribute("to", (long)DataType.Float));
        net.Add("Mul", [floats, net.Add("Mul", ["scale", net.Scale(0.01f)])]);
        return 0;
    }

    private static float Mixed(IntegerNetwork net, string op)
    {
        var input = net.Add("Flatten", ["x"]);
        net.Net.Weight("bias", 5);
        var (weight, scale, zero) = (net.Codes(S8, 100, 192, 5), net.Scale(0.01f), net.Zero(S8, 0));
        if (op == "DynamicQuantizeMatMul")
        {
            net.Own(op, [input, weight, scale, zero, "bias"]);
            return 0;
        }
        var (own, point) = (net.Scale(0.01f), net.Zero(U8, 120));
        net.Own(op, [net.Add("QuantizeLinear", [input, own, point]), weight, own, scale, point, zero, "bias"]);
        return 0;
    }

    private static float Blocks(IntegerNetwork net, string form)
    {
        const int Outputs = 5, Inputs = 192, Size = 32, Blocks = 6;
        int bits = form.EndsWith("8 bits", StringComparison.Ordinal) ? 8 : 4;
        net.Net.Weight("bias", Outputs);
        var weight = net.Codes(U8, 255, Outputs, Blocks, Size * bits / 8);
        var scales = net.Scales(Outputs * Blocks);
        var zeros = form.EndsWith("points", StringComparison.Ordinal) ? net.Codes(U8, 255, Outputs * Blocks * bits / 8) : "";
        net.Own("MatMulNBits", [net.Add("Flatten", ["x"]), weight, scales, zeros, "", "bias"],
            Attribute("K", Inputs), Attribute("N", Outputs), Attribute("bits", bits), Attribute("block_size", Size));
        return 0;
    }

    private static float Elements(IntegerNetwork net, string op)
    {
        const float Step = 0.004f;
        var (a, az, b, bz) = (net.Scale(0.01f), net.Zero(U8, 120), net.Scale(0.02f), net.Zero(U8, 7));
        var x = net.Add("QuantizeLinear", ["x", a, az]);
        if (op == "MaxPool")
        {
            net.Add("DequantizeLinear", [net.Add(op, [x], "", Attribute("kernel_shape", 2, 2)), a, az]);
            return 0.01f;
        }
        if (op == "QuantizeLinear")
        {
            var (s, z) = (net.Scale(0.001f), net.Zero(DataType.Int16, -50));
            net.Own("DequantizeLinear", [net.Own("QuantizeLinear", ["x", s, z]), s, z]);
            return 0.001f;
        }
        var y = net.Add("QuantizeLinear", ["x", b, bz]);
        var (c, cz) = (net.Scale(Step), net.Zero(U8, 90));
        string[] first = [x, a, az], second = [y, b, bz], last = [c, cz];
        net.Net.Model.Graph.Initializer.Add(TensorData.Create("where", DataType.Bool, [1, 0, 1, 1, 0, 0, 1, 0], 8));
        var made = op switch
        {
            "QLinearAdd" or "QLinearMul" => net.Own(op, [.. first, .. second, .. last]),
            "QLinearConcat" => net.Own(op, [.. last, .. first, .. second], Attribute("axis", 1)),
            "QLinearWhere" => net.Own(op, ["where", .. first, .. second, .. last]),
            "QLinearAveragePool" => net.Own(op, [.. first, .. last], Attribute("kernel_shape", 3, 3), Attribute("pads", 1, 1, 1, 1)),
            "QLinearLeakyRelu" => net.Own(op, [.. first, .. last], IntegerNetwork.Float("alpha", 0.2f)),
            "QLinearSoftmax" => net.Own(op, [.. first, .. last], Attribute("axis", -1), Attribute("opset", 13)),
            _ => net.Own(op, [.. first, .. last]),
        };
        net.Add("DequantizeLinear", [made, c, cz]);
        return Step;
    }
}
