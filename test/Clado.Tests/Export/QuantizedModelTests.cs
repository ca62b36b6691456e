using Clado.Activations;
using Clado.Candidates;
using Clado.Export;
using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Export;

/// <summary>Models between QuantizeLinear and DequantizeLinear, as training and quantizers export them, are quantized once more.</summary>
public class QuantizedModelTests
{
    private const DataType U8 = DataType.Uint8, S8 = DataType.Int8;

    // Of the grid behind the last layer.
    private const float Step = 0.05f;

    /// <summary>How the weights are stored, and bits of their grid; 9 where no signed codes of 8 bits hold it.</summary>
    public static TheoryData<string, int> Weights() => new()
    {
        { "int8 by channel", 8 }, { "int8", 8 }, { "floats that are rounded", 8 }, { "floats that are rounded by channel", 8 },
        { "rounded and clipped to 4 bits", 4 }, { "uint8 around 128", 8 }, { "uint8 around 90", 9 }, { "int4 by channel", 4 },
        { "codes that are transposed", 8 }, { "floats on a grid", 8 },
    };

    [Theory]
    [MemberData(nameof(Weights))]
    public void TheGridIsTakenAndTheFileComputesTheSame(string form, int bits)
    {
        using var folder = new TemporaryFolder();
        var model = Network(form).Build();
        var graph = Graph.FromModel(model, "test.onnx");
        var layers = LayerFinder.Find(graph).Layers;
        Assert.Equal(2, layers.Count);
        Assert.Equal(5, graph.ActivationGrids);
        Assert.Equal([Math.Min(bits, 8), Math.Min(bits, 8)], QuantizedParts.Of(graph, layers).WeightBits);
        var (floats, expected) = (Harness.Outputs(model), Harness.Outputs(model, integers: true));
        Near(floats, Harness.Outputs(graph.Model));

        var candidates = Harness.Candidates(graph, [.. new[] { 2, 4, 8 }]);
        Assert.All(candidates.Items, c => Assert.Equal(c.Bits >= bits, c.SquaredError == 0));
        var kept = KeptGrids.Of(graph, layers);
        Assert.Equal(2, kept.Plan.Nodes.Count);
        var written = ModelWriter.Build(graph, candidates.Uniform(8), kept);
        Assert.Equal(5, written.Graph.Node.Count(ActivationGrids.IsGrid));
        if (bits <= 8)
        {
            Near(expected, Harness.Outputs(written, integers: true));
        }
        // Integers are multiplied where the model multiplies integers.
        foreach (int width in (int[])[2, 4, 8])
        {
            var fused = Optimized(folder, ModelWriter.Build(graph, candidates.Uniform(width), kept));
            Assert.Equal(1, fused.Count(op => op == "QLinearConv"));
            Assert.Equal(1, fused.Count(op => op == "QGemm"));
        }
    }

    /// <summary>Without its grids the network gives nearly the same, and integers are Clado's own matter.</summary>
    [Theory]
    [MemberData(nameof(Weights))]
    public void GridsAreRemoved(string form, int bits)
    {
        Assert.InRange(bits, 4, 9);
        var model = Network(form).Build();
        var graph = Graph.FromModel(model, "test.onnx", grids: GridHandling.Remove);
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "QuantizeLinear" or "DequantizeLinear");
        var (expected, actual) = (Harness.Outputs(model, integers: true), Harness.Outputs(graph.Model));
        // What is left is the rounding of five grids.
        double error = expected.Zip(actual).Sum(p => Math.Pow(p.First - p.Second, 2)), power = expected.Sum(v => Math.Pow(v, 2));
        Assert.InRange(error / power, 1e-9, 2e-2);
    }

    /// <summary>A grid that begins at 0 is all that is left of a Relu: without the grid it must still be there.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AReluThatAGridStandsForStays(bool isSigned)
    {
        var net = new IntegerNetwork();
        net.Net.Weight("w", 4, 3, 3, 3);
        net.Net.Add("Flatten", [net.Rounded(net.Add("Conv", ["x", "w"]), 0.01f, isSigned ? S8 : U8, isSigned ? -128 : 0)], "f");
        var graph = Graph.FromModel(net.Build(), "test.onnx", grids: GridHandling.Remove);
        Assert.Equal(["Conv", "Clip", "Flatten"], graph.Nodes.Select(n => n.OpType));
        var values = Harness.Outputs(graph.Model);
        Assert.All(values, v => Assert.InRange(v, 0, 2.551f));
        Assert.Contains(values, v => v == 0);
        Assert.All(values.Zip(Harness.Outputs(net.Net.Model)), p => Assert.Equal(p.First, p.Second, 0.0051f));
    }

    /// <summary>Codes that something else reads stay codes.</summary>
    [Fact]
    public void CodesThatAreReadOtherwiseStay()
    {
        var net = new IntegerNetwork();
        var (scale, zero) = (net.Scale(0.01f), net.Zero(U8, 128));
        net.Net.Weight("w", 4, 3, 3, 3);
        var codes = net.Add("QuantizeLinear", ["x", scale, zero]);
        var floats = net.Add("Cast", [codes], "", Attribute("to", (long)DataType.Float));
        net.Add("Conv", [net.Add("Add", [net.Add("DequantizeLinear", [codes, scale, zero]), floats]), "w"]);
        var graph = Graph.FromModel(net.Build(), "test.onnx", grids: GridHandling.Remove);
        Assert.Equal(1, graph.ActivationGrids);
        Near(Harness.Outputs(net.Net.Model), Harness.Outputs(graph.Model));
    }

    /// <summary>What dynamic quantization writes, without its rounding.</summary>
    [Fact]
    public void DynamicGridsAreRemoved()
    {
        var net = new IntegerNetwork();
        net.Net.Add("Flatten", ["x"], "f").Add("DynamicQuantizeLinear", ["f"], "codes");
        net.Net.Model.Graph.Node[^1].Output.Add(["scale", "zero"]);
        var sums = net.Add("MatMulInteger", ["codes", net.Codes(S8, 100, 192, 5), "zero"]);
        net.Add("Mul", [
            net.Add("Cast", [sums], "", Attribute("to", (long)DataType.Float)), net.Add("Mul", ["scale", net.Scale(0.01f)])]);
        var model = net.Build();
        var kept = Graph.FromModel(model, "test.onnx");
        Assert.Equal(1, kept.ActivationGrids);
        var graph = Graph.FromModel(model, "test.onnx", grids: GridHandling.Remove);
        Assert.Equal(["Flatten", "MatMul", "Mul"], graph.Nodes.Select(n => n.OpType));
        Assert.All(Harness.Outputs(model).Zip(Harness.Outputs(graph.Model)), p => Assert.Equal(p.First, p.Second, 0.2));
    }

    /// <summary>A file that Clado wrote is such a model, whatever its widths: packed in planes, its grids in functions.</summary>
    [Theory]
    [InlineData(OpsetUpgrade.TargetOpset)]
    [InlineData(OpsetUpgrade.EarlierOpset)]
    public void WrittenFilesAreReadAgain(int opset)
    {
        using var folder = new TemporaryFolder();
        var later = NetworkBuilder.SmallClassifier().BuildGraph();
        var graph = opset == OpsetUpgrade.TargetOpset ? later : Harness.Earlier(later);
        var images = ImageFolder.Open(Harness.Images(folder, "images", 1));
        foreach (int bits in (int[])[2, 3, 4, 5, 6, 7, 8])
        {
            var chosen = Harness.Candidates(graph, bits).Items;
            var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
            var ranges = RangeMeasurement.Measure(
                FakeQuantizedGraph.Of(graph, chosen), plan, RangeMethod.MinMax, new Workload(images, Preprocessing.Parse("unit")));
            foreach (var activations in (QuantizedActivations?[])[null, new(plan, ranges)])
            {
                var written = ModelWriter.Build(graph, chosen, activations);
                var again = Graph.FromModel(written, "test.onnx");
                Assert.Empty(again.Model.Functions);
                Assert.Equal(activations is null ? 0 : plan.Tensors.Count, again.ActivationGrids);
                var candidates = Harness.Candidates(again, bits).Items;
                Assert.Equal(chosen.Select(c => c.Layer.Parameters), candidates.Select(c => c.Layer.Parameters));
                Assert.All(candidates, c => Assert.Equal(0, c.SquaredError));
                Assert.All(chosen.Zip(candidates), p => Assert.Equal(p.First.Dequantize(), p.Second.Dequantize()));
                var outputs = Harness.Outputs(again.Model);
                Assert.All(Harness.Outputs(written).Zip(outputs), p => Assert.Equal(p.First, p.Second, 1e-5f));
                var twice = ModelWriter.Build(again, candidates);
                Assert.All(Harness.Outputs(twice).Zip(outputs), p => Assert.Equal(p.First, p.Second, 1e-5f));
            }
        }
    }

    /// <summary>
    /// A convolution and a product between five grids: those of the image, behind the convolution, its Relu, the pooling, and the product.
    /// </summary>
    internal static IntegerNetwork Network(string form, int channels = 8)
    {
        var net = new IntegerNetwork(seed: 5);
        var image = net.Rounded("x", 0.01f);
        var convolution = net.Add("Conv", [image, .. Weight(net, form, 0.01f, channels, 3, 3, 3)], "", Attribute("pads", 1, 1, 1, 1));
        var rounded = net.Rounded(net.Add("Relu", [net.Rounded(convolution, 0.02f, U8, 100)]), 0.02f, U8, 0);
        var pooled = net.Rounded(net.Add("Flatten", [net.Add("MaxPool", [rounded], "", Attribute("kernel_shape", 8, 8))]), 0.02f, U8, 0);
        var product = net.Add("Gemm", [pooled, .. Weight(net, form, 0.02f, 8, channels)], "", Attribute("transB", 1));
        net.Rounded(product, Step, U8, 120);
        return net;
    }

    /// <summary>Weight and bias, whose step is that of the sums.</summary>
    private static string[] Weight(IntegerNetwork net, string form, float inputScale, params long[] shape)
    {
        int channels = (int)shape[0];
        bool byChannel = form.EndsWith("by channel", StringComparison.Ordinal);
        var attribute = Attribute("axis", 0);
        float near = form.Contains("rounded", StringComparison.Ordinal) ? 0.01f
            : form.StartsWith("int4", StringComparison.Ordinal) ? 0.05f : 0.004f;
        var scale = byChannel ? net.Scales(channels, near) : net.Scale(near);
        float[] steps = TensorData.ReadSingles("", net.Net.Model.Graph.Initializer[^1]);
        var sums = net.Scale([.. Enumerable.Range(0, channels).Select(c => inputScale * steps[c % steps.Length])]);
        var bias = net.Add("DequantizeLinear", [net.Codes(DataType.Int32, 1000, channels), sums], "", attribute);
        return [Weight(net, form, scale, channels, shape), bias];
    }

    private static string Weight(IntegerNetwork net, string form, string scale, int channels, long[] shape)
    {
        bool byChannel = form.EndsWith("by channel", StringComparison.Ordinal);
        var attribute = Attribute("axis", 0);
        string Zero(DataType type, int value) =>
            byChannel ? net.Zero(type, [.. Enumerable.Repeat(value, channels)]) : net.Zero(type, value);
        string Dequantized(string codes, string zero) => net.Add("DequantizeLinear", [codes, scale, zero], "", attribute);
        switch (form)
        {
            case "uint8 around 128" or "uint8 around 90":
                return Dequantized(net.Codes(U8, 255, shape), Zero(U8, form.EndsWith("128", StringComparison.Ordinal) ? 128 : 90));
            case "int4 by channel":
                return Dequantized(net.Codes(DataType.Int4, 7, shape), Zero(DataType.Int4, 0));
            case "codes that are transposed":
                long[] turned = [.. shape.Reverse()];
                var codes = net.Add("Transpose", [net.Codes(S8, 127, turned)]);
                return Dequantized(codes, Zero(S8, 0));
            case "floats on a grid":
                var name = $"w{net.Net.Model.Graph.Node.Count}";
                int count = (int)shape.Aggregate(1L, (a, b) => a * b);
                float[] onGrid = [.. Enumerable.Range(0, count).Select(i => ((i * 37 % 255) - 127) * 0.0047f)];
                net.Net.Model.Graph.Initializer.Add(TensorData.Singles(name, onGrid, shape));
                return name;
            case "int8" or "int8 by channel":
                return Dequantized(net.Codes(S8, 127, shape), Zero(S8, 0));
            default:
                var zero = Zero(S8, 0);
                var floats = $"w{net.Net.Model.Graph.Node.Count}";
                net.Net.Weight(floats, shape);
                var rounded = net.Add("QuantizeLinear", [floats, scale, zero], "", attribute);
                if (form.Contains("clipped", StringComparison.Ordinal))
                {
                    rounded = net.Add("Clip", [rounded, net.Zero(S8, -7), net.Zero(S8, 7)]);
                }
                return net.Add("DequantizeLinear", [rounded, scale, zero], "", attribute);
        }
    }

    /// <summary>A value between two grid points may fall to either side, where sums are formed in another order.</summary>
    private static void Near(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1.001 * Step));
        Assert.InRange(expected.Zip(actual).Count(p => Math.Abs(p.First - p.Second) > 1e-4), 0, expected.Length / 5);
        Assert.True(expected.Distinct().Count() > 3);
    }

    private static string[] Optimized(TemporaryFolder folder, ModelProto model)
    {
        using var options = new SessionOptions
        {
            OptimizedModelFilePath = folder["o.onnx"],
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using var session = new InferenceSession(model.ToByteArray(), options);
        return [.. OnnxFile.Parse("o.onnx", File.ReadAllBytes(folder["o.onnx"])).Graph.Node.Select(n => n.OpType)];
    }
}
