using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Layers;

/// <summary>One constant, several uses: where its output channels lie on different axes, one scale serves all of it.</summary>
public class SharedWeightTests
{
    private const int Side = 16;

    public static TheoryData<string, int, bool> Cases =>
        [.. from uses in (string[])["gemms", "gemm and product", "products", "convolutions"] from bits in (int[])[3, 8]
            from earlier in (bool[])[false, true] select (uses, bits, earlier)];

    /// <summary>
    /// The written file computes what its bits say, and has the predicted size. With one set of scales for both uses it differed by
    /// whole units of its outputs.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void UsesOnDifferentAxesAreRight(string uses, int bits, bool earlier)
    {
        using var folder = new TemporaryFolder();
        var later = Network(uses).BuildGraph();
        var graph = earlier ? Harness.Earlier(later) : later;
        var candidates = Harness.Candidates(graph, bits);
        var shared = Assert.Single(candidates.Items, c => c.Layer.Weight == "w");
        Assert.Equal((null, 1, 2), (shared.Layer.ChannelAxis, shared.Scales.Length, shared.Layer.Nodes.Count));
        var images = ImageFolder.Open(Harness.Images(folder, "images", 2));
        var unit = Preprocessing.Parse("unit");
        var plan = ActivationPlan.Of(graph, candidates.Layers);
        var ranges = RangeMeasurement.Measure(FakeQuantizedGraph.Of(graph, candidates.Items), plan, RangeMethod.LeastSquares,
            new Workload(images, unit) { Resources = new() { Threads = 2 }, Cancellation = TestContext.Current.CancellationToken });
        foreach (var activations in (QuantizedActivations?[])[new QuantizedActivations(plan, ranges), null])
        {
            var model = ModelWriter.Build(graph, candidates.Items, activations);
            var parity = ParityCheck.Run(
                graph, new(model, "m.onnx", candidates.Items, activations), null,
                ParityInputs.Of(graph, new Workload(images, unit) { Cancellation = TestContext.Current.CancellationToken }));
            Assert.All(parity.Outputs, output => Assert.True(output.IsExplained, $"{output}"));
            var sizes = new FileSize(graph, candidates.Layers, activations is null ? ActivationFormat.Float : ActivationFormat.Int8);
            Assert.Equal(OnnxFile.Write(model, folder["m.onnx"]), sizes.Predict(candidates.Items.Sum(c => c.SizeBytes), [bits]));
        }
    }

    /// <summary>Every way of rounding and measuring does with such a weight, and the parts of the job agree.</summary>
    [Theory]
    [InlineData("gemms", "--rounding", "feedback", "--refine")]
    [InlineData("gemm and product", "--inputs", "quantized", "--equalize")]
    [InlineData("products", "--rounding", "gpfq", "--estimator", "pairwise")]
    [InlineData("convolutions", "--rounding", "nearest", "--measure-activations", "8")]
    public void TheWholeJobIsDone(string uses, params string[] options)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Network(uses).Build(), folder["m.onnx"]);
        var (code, output, error) = Harness.Command(
            ["quantize", folder["m.onnx"], "--images", Harness.Images(folder, "images", 2),
                "--preprocess", "unit", "--bits", "3,8", "--budget", "6bit",
                "--run", folder["run"], "-o", folder["q.onnx"], "--json", .. options]);
        Assert.Equal("", code == 0 ? "" : error);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(new FileInfo(folder["q.onnx"]).Length, json.RootElement.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(2, json.RootElement.GetProperty("layers").GetArrayLength());
    }

    /// <summary>With 8 bits, any two codes that a kernel may add keep within its 16 bits.</summary>
    [Theory]
    [InlineData("gemms")]
    [InlineData("products")]
    public void EightBitsDoNotOverflow(string uses)
    {
        var candidates = Harness.Candidates(Network(uses).BuildGraph(), 8);
        Assert.All(candidates.Items.Single(c => c.Layer.ChannelAxis is null).Codes, code => Assert.InRange(code, -64, 64));
    }

    [Fact]
    public void UsesOnOneAxisShareTheirConstant()
    {
        var net = new NetworkBuilder(input: [Side, Side]);
        net.Weight("w", Side, Side);
        var graph = net.Then("MatMul", "a", ["w"]).Then("Relu", "r").Then("MatMul", "b", ["w"]).Then("Flatten", "y").BuildGraph();
        var layer = Assert.Single(LayerFinder.Find(graph).Layers);
        Assert.Equal(2, layer.Nodes.Count);
    }

    /// <summary>A node that adds another layer's weight, as its bias or otherwise, is not taken for that layer.</summary>
    [Fact]
    public void AddingAWeightIsNoUseOfItsScales()
    {
        var net = new NetworkBuilder(input: [Side, 1, 1]);
        net.Weight("w", Side, Side);
        net.Weight("v", Side, Side);
        net.Weight("u", 1, Side);
        net.Then("Flatten", "f").Then("Gemm", "a", ["v", "u"]).Add("Mul", ["a", "u"], "m")
            .Add("MatMul", ["u", "w"], "k").Add("Transpose", ["m"], "t");
        var graph = net.Add("MatMul", ["u", "t"], "n").Add("Add", ["m", "k"], "y").BuildGraph("y", "n");
        var layers = LayerFinder.Find(graph).Layers;
        Assert.Contains(layers, l => l.Weight == "u");
        var plan = ActivationPlan.Of(graph, layers);
        Assert.DoesNotContain(plan.Nodes, n => graph.Nodes[n.Node].Is("Mul"));
        Assert.Equal(plan.Nodes.Count, plan.Nodes.Select(n => n.Node).Distinct().Count());
    }

    private static NetworkBuilder Network(string uses)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        long[] shape = uses == "convolutions" ? [Side, Side, 3, 3] : [Side, Side];
        net.Weight("w", shape);
        // Rows and columns of very different size: scales along the wrong axis are far off.
        var weight = net.Model.Graph.Initializer[0];
        var values = TensorData.ReadSingles("", weight);
        int row = values.Length / Side;
        net.Weight("stem", Side, 3, 3, 3);
        if (uses == "gemms")
        {
            net.Weight("b", Side);
            net.Weight("c", Side);
        }
        net.Then("Conv", "s", ["stem"]);
        TensorData.Overwrite(weight, [.. values.Select((v, i) => v * MathF.Pow(2, (i / row % 5) - (i % row / (row / Side) % 3)))]);
        if (uses == "convolutions")
        {
            var pads = Attribute("pads", 1, 1, 1, 1);
            return net.Then("Conv", "a", ["w"], pads).Then("Relu", "r").Then("ConvTranspose", "b", ["w"], pads)
                .Then("GlobalAveragePool", "p").Then("Flatten", "y");
        }
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f");
        return uses switch
        {
            "gemms" => net.Then("Gemm", "a", ["w", "b"], Attribute("transB", 1)).Then("Relu", "r").Then("Gemm", "y", ["w", "c"]),
            "gemm and product" => net.Then("Gemm", "a", ["w"], Attribute("transB", 1)).Then("Relu", "r").Then("MatMul", "y", ["w"]),
            _ => net.Then("MatMul", "a", ["w"]).Then("Transpose", "t").Add("MatMul", ["w", "t"], "b").Then("Transpose", "y"),
        };
    }
}
