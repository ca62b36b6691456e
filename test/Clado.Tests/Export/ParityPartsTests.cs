using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Export;

/// <summary>Every part of an output is compared on its own, and only what is a number says how far rounding drives a value.</summary>
public class ParityPartsTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    public static TheoryData<string, bool> Layouts =>
    [
        .. from name in (string[])["channels", "last axis", "anchors", "keypoints", "angle"]
           from integers in (bool[])[true, false]
           select (name, integers),
    ];

    /// <summary>What goes wrong in the head of the small numbers is not hidden by the large ones beside them.</summary>
    [Theory]
    [MemberData(nameof(Layouts))]
    public void WrongsOfTheSmallPartAreRefused(string layout, bool integers)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var graph = Net(layout).BuildGraph();
        var (parity, written, layers) = Check(graph, images, integers, Harness.Scales(graph, images));
        Assert.All(parity(written).Outputs, o => Assert.True(o.IsExplained && o.Parts.Count > 1, $"{o.Worst} of {o.Layout}"));
        string[] reversed = graph.Initializers["s2"].Dims[0] > 1 ? ["a layer's scales in reverse order (a wrong axis)"] : [];
        string[] wrongs = ["a channel's scale doubled", .. reversed];
        foreach (string weight in (string[])["s1", "s2"])
        {
            // One code of many, in the hidden layer, is less than rounding.
            foreach (string wrong in weight == "s2" ? wrongs.Append("one code's sign changed") : wrongs)
            {
                var broken = parity(Corruption.Of(written, wrong, layers[weight])!);
                Assert.False(broken.Outputs.All(o => o.IsExplained), $"{wrong}, {weight}: {broken.Outputs[0].Worst}");
                var error = Assert.Throws<CladoException>(() => broken.ThrowIfBroken("m.onnx"));
                Assert.Contains($"of its {broken.Outputs[0].Layout} the one numbered ", error.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>A part has fewer values than the whole, and is allowed less: sound files stay within it, at a distance.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void SoundFilesAreExplainedPartByPart(int bits)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        foreach (string layout in (string[])["channels", "last axis", "anchors", "keypoints", "angle"])
        {
            var graph = Net(layout).BuildGraph();
            var (parity, written, _) = Check(graph, images, true, Harness.Scales(graph, images), bits: bits);
            Assert.All(parity(written).Outputs, o =>
            Assert.True(o.Parts.Count > 1 && o.Worst.Excess < 0.75, $"{layout}: {o.Worst.Excess} of {o.Layout}: {o.Worst}"));
        }
    }

    /// <summary>Where moved activations make values infinite or NaN, those explain nothing: only a sound file passes.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1e-6f)]
    public void MovedValuesThatAreNoNumbersExplainNothing(float subtracted)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var (parity, written, layers) = Logarithm(subtracted, images);
        var sound = parity(written);
        Assert.All(sound.Outputs, o => Assert.True(o.IsExplained && double.IsFinite(o.AllowedLargest), $"{o}"));
        Assert.False(parity(Corruption.Of(written, "a channel's scale doubled", layers["w2"])!).Outputs.All(o => o.IsExplained));
    }

    /// <summary>
    /// Model of a layer of its own a channel, whose codes of activations are 1 and little more, and the logarithm of what it gives.
    /// </summary>
    private static (Func<ModelProto, ParityResult> Parity, ModelProto Written, Dictionary<string, int> Layers) Logarithm(
        float subtracted, ImageSet images)
    {
        const int Channels = 16;
        var net = new NetworkBuilder(input: [3, 24, 24]);
        float[] first = [.. Enumerable.Range(0, Channels * 27).Select(i => (Channels + (i / 27)) / (27f * Channels))];
        float[] second = [.. Enumerable.Range(0, Channels).Select(i => 1 + (i / 27f))];
        net.Model.Graph.Initializer.Add(TensorData.Singles("w1", first, Channels, 3, 3, 3));
        net.Model.Graph.Initializer.Add(TensorData.Singles("w2", second, Channels, 1, 1, 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("little", [subtracted], 1));
        net.Then("Conv", "c1", ["w1"]).Then("Relu", "r").Then("GlobalAveragePool", "p");
        net.Then("Conv", "c2", ["w2"], Attribute("group", Channels));
        net.Then("Sub", "s", ["little"]).Then("Log", "l").Then("Flatten", "y");
        var graph = net.BuildGraph();
        int range = ActivationPlan.Of(graph, Harness.Candidates(graph, 8).Layers).Nodes.Single(n => n.Layer.Weight == "w2").InputRange;
        // Means of images are between 0.7 and 1 times the largest; the last channel's are nearly twice the first's.
        float Wider(float scale) => scale * ActivationRanges.MaximumCode * Channels / ((2 * Channels) - 1);
        return Check(graph, images, true, null, ranges => ranges with
        {
            Scales = [.. ranges.Scales.Select((scale, i) => i == range ? Wider(scale) : scale)],
        });
    }

    /// <summary>Models that dequantize in a body, too, are quantized ones.</summary>
    [Fact]
    public void QuantizedBodiesMakeAQuantizedModel()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Model.Graph.Initializer.Add(TensorData.Create("yes", DataType.Bool, [1]));
        net.Model.Graph.Initializer.Add(TensorData.Create("q", DataType.Int8, [3]));
        net.Model.Graph.Initializer.Add(TensorData.Singles("s", [0.5f]));
        var body = new GraphProto { Name = "body" };
        body.Node.Add(Node("DequantizeLinear", ["q", "s"], "w"));
        body.Node.Add(Node("Mul", ["x", "w"], "b"));
        body.Output.Add(new ValueInfoProto { Name = "b", Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } } });
        var branch = Node("If", ["yes"], "y");
        branch.Attribute.Add(new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = body });
        branch.Attribute.Add(new AttributeProto { Name = "else_branch", Type = AttributeProto.Types.AttributeType.Graph, G = body });
        net.Model.Graph.Node.Add(branch);
        Assert.Equal("m.onnx (a quantized model)", OutputSource.OfFile("m.onnx", net.Build("y")).Name);
    }

    private static NetworkBuilder Net(string layout) => layout switch
    {
        "channels" => Heads.ChannelAxis(),
        "last axis" => Heads.LastAxis(),
        "anchors" => Heads.AnchorAxis(),
        "keypoints" => Heads.Keypoints(),
        _ => Heads.AngleAndLogits(),
    };

    /// <summary>
    /// A network at 8 bits as it would be written, what compares a file with its simulation, and numbers of the layers by weight.
    /// </summary>
    private static (Func<ModelProto, ParityResult> Parity, ModelProto Written, Dictionary<string, int> Layers) Check(
        Graph graph, ImageSet images, bool integers, IReadOnlyList<OutputScale>? scales,
        Func<ActivationRanges, ActivationRanges>? change = null, int bits = 8)
    {
        var candidates = Harness.Candidates(graph, bits);
        var plan = ActivationPlan.Of(graph, candidates.Layers);
        var work = new Workload(images, Unit) { Resources = new() { Threads = 2 }, Cancellation = TestContext.Current.CancellationToken };
        var ranges = !integers
            ? null
            : RangeMeasurement.Measure(FakeQuantizedGraph.Of(graph, candidates.Items), plan, RangeMethod.LeastSquares, work);
        var activations = ranges is null ? null : new QuantizedActivations(plan, change?.Invoke(ranges) ?? ranges);
        return (
            model => ParityCheck.Run(
                graph, new(model, "m.onnx", candidates.Items, activations), scales, ParityInputs.Of(graph, work)),
            ModelWriter.Build(graph, candidates.Items, activations), candidates.Layers.ToDictionary(l => l.Weight, l => l.Index));
    }
}
