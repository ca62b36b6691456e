using Clado.Graphs;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Tasks;

/// <summary>What the structure of a network tells of what it is for, and where its answer is read.</summary>
public class StructureTests
{
    private static readonly Dictionary<string, Form> Forms = new()
    {
        ["logits"] = new(() => TaskNetworks.Vector(10).Build(), "classify", "v", "kl"),
        ["softmax"] = new(() => TaskNetworks.Vector(10).Then("Softmax", "y").Build(), "classify", "v", "kl"),
        ["softmax, then shapes"] = new(
            () => TaskNetworks.Vector(10).Constant("a", 2, 3).Constant("b", 3).Constant("s", 0, 10).Then("Softmax", "y")
                .Then("Unsqueeze", "u", ["a"]).Then("Squeeze", "q", ["b"]).Then("Reshape", "r", ["s"]).Then("Identity", "i").Build(),
            "classify", "v", "kl"),
        ["log softmax, then flatten"] = new(
            () => TaskNetworks.Vector(10).Then("LogSoftmax", "y").Then("Flatten", "z").Build(), "classify", "y", "kl"),
        ["fully convolutional"] = new(
            () => TaskNetworks.Map(10).Then("GlobalAveragePool", "v").Then("Softmax", "y", null, Attribute("axis", 1)).Build(),
            "classify", "v", "kl"),
        ["logits of four dimensions"] = new(() => TaskNetworks.Map(10).Then("GlobalAveragePool", "v").Build(), "classify", "v", "kl"),
        ["yes or no"] = new(() => TaskNetworks.Vector(1).Then("Sigmoid", "y").Build(), "classify", "v", "kl"),
        ["several may be right"] = new(() => TaskNetworks.Vector(6).Then("Sigmoid", "y").Build(), "classify", "v", "kl"),
        ["logits beside features"] = new(() => TaskNetworks.Vector(10).Build("v", "f"), "classify", "v", "kl"),
        ["features beside probabilities"] = new(
            () => TaskNetworks.Vector(10).Then("Softmax", "y").Build("f", "y"), "classify", "v", "kl"),
        ["the class"] = new(
            () => TaskNetworks.Vector(10).Then("Softmax", "y").Then("ArgMax", "k", null, Attribute("axis", 1)).Built(("k", DataType.Int64)),
            "classify", "v", "kl"),
        ["logits beside the class"] = new(
            () => TaskNetworks.Vector(3).Then("ArgMax", "k", null, Attribute("axis", 1))
                .Built(("v", DataType.Float), ("k", DataType.Int64)),
            "classify", "v", "kl"),
        ["scores of pixels beside the class"] = new(
            () => TaskNetworks.Map(3).Then("ArgMax", "k", null, Attribute("axis", 1)).Built(("m", DataType.Float), ("k", DataType.Int64)),
            "segment", "m", "kl"),
        ["the five best"] = new(() => Best(5).Built(("values", DataType.Float), ("indices", DataType.Int64)), "classify", "v", "kl"),
        ["one value"] = new(() => TaskNetworks.Vector(1).Build(), "regress", "v", "mse"),
        ["segments"] = new(
            () => TaskNetworks.Map(5).Then("Softmax", "y", null, Attribute("axis", 1)).Build(), "segment", "m", "kl"),
        ["segments, channels last"] = new(
            () => TaskNetworks.Map(5).Then("Transpose", "l", null, Attribute("perm", 0, 2, 3, 1)).Then("Softmax", "y").Build(),
            "segment", "l", "kl"),
        ["class of each pixel"] = new(
            () => TaskNetworks.Map(5).Enlarged().Then("ArgMax", "k", null, Attribute("axis", 1)).Built(("k", DataType.Int64)),
            "segment", "m", "kl"),
        ["mask"] = new(() => TaskNetworks.Map(1).Enlarged().Then("Sigmoid", "y").Build(), "segment", "m", "kl"),
        ["colours"] = new(() => TaskNetworks.Map(3).Enlarged().Then("Sigmoid", "y").Build(), "regress", "y", "mse"),
        ["pixels"] = new(() => TaskNetworks.Map(3).Enlarged().Build(), "regress", "large", "mse"),
        ["LpNormalization"] = Unit("LpNormalization"),
        ["ReduceL2"] = Unit("ReduceL2"),
        ["ReduceSum"] = Unit("ReduceSum"),
        ["Pow"] = Unit("Pow"),
        ["batch normalization"] = new(() => Normalized(16).Build(), "embed", "y", "cosine"),
        ["boxes and scores"] = new(() => TaskNetworks.Boxes(3).Build("boxes", "scores"), "detect", "boxes scores", "mse"),
        ["suppressed"] = new(
            () => TaskNetworks.Suppressed().Built(("kept", DataType.Float), ("picked", DataType.Int64)), "detect", "boxes by_class", "mse"),
        ["rows of places"] = new(() => Rows().Build(), "detect", "rows_last", "mse"),
        ["pyramid"] = new(() => Pyramid().Build("m", "half"), "detect", "m half", "mse"),
        ["two heads"] = new(() => TwoHeads().Build("v", "u"), "regress", "v u", "mse"),
    };

    public static TheoryData<string> Names => [.. Forms.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheEndTells(string name)
    {
        var form = Forms[name];
        var graph = Graph.FromModel(form.Model(), "net.onnx");
        var readout = Readout.Of(graph);
        Assert.Equal((form.Task, form.Reads), (readout.Decision.Name, string.Join(' ', readout.Outputs)));
        Assert.Equal(form.Loss, LossKind.Of(readout, null).Name);
        Assert.Contains(", since ", readout.Decision.Sentence, StringComparison.Ordinal);
        Assert.All(readout.Outputs.Zip(readout.ElementCounts), read => Assert.Equal(graph.Tensors[read.First].ElementCount, read.Second));
    }

    /// <summary>Sums that are no lengths: a softmax written out, and a mean over features.</summary>
    [Fact]
    public void OnlyALengthIsALength()
    {
        var softmax = TaskNetworks.Vector(16).Constant("last", 1).Then("Exp", "e").Then("ReduceSum", "sum", ["last"])
            .Add("Div", ["e", "sum"], "y");
        Assert.Equal(NetworkTask.Classify, Readout.Of(softmax.BuildGraph()).Task);
        var mean = TaskNetworks.Vector(16).Constant("last", 1).Then("ReduceSum", "sum", ["last"]).Add("Div", ["v", "sum"], "y");
        Assert.Equal(NetworkTask.Classify, Readout.Of(mean.BuildGraph()).Task);
        var other = TaskNetworks.Vector(16).Constant("last", 1).Add("ReduceL2", ["f", "last"], "n").Add("Div", ["v", "n"], "y");
        Assert.Equal(NetworkTask.Classify, Readout.Of(other.BuildGraph()).Task);
    }

    /// <summary>What only answers that are not compared depend on stays float, and is listed.</summary>
    [Fact]
    public void LayersBehindWhatIsReadStayFloat()
    {
        var net = TaskNetworks.Suppressed();
        net.Weight("behind", 4, 30);
        net.Then("MatMul", "y", ["behind"]);
        var graph = Graph.FromModel(net.Built(("y", DataType.Float)), "net.onnx");
        Assert.Equal(["boxes", "by_class"], Readout.Of(graph).Outputs);
        var (layers, kept) = LayerFinder.Find(graph);
        Assert.Equal(["w1", "w2", "wh"], layers.Select(layer => layer.Weight));
        var matrix = Assert.Single(kept, k => k.Constant == "behind");
        Assert.Contains("nothing that is compared", matrix.Reason, StringComparison.Ordinal);
        Assert.Equal(480, matrix.Bytes);
    }

    /// <summary>Sizes that are computed from shapes are the same for every image; sizes computed from values are not.</summary>
    [Fact]
    public void SizesFromShapesAreFixed()
    {
        var fixedSize = TaskNetworks.Map(4).Constant("two", 2).Constant("start", 2).Constant("end", 4)
            .Add("Shape", ["x"], "shape").Then("Slice", "hw", ["start", "end"]).Then("Div", "halves", ["two"])
            .Add("Expand", ["m", "halves"], "y");
        Assert.Empty(Answers.Of(fixedSize.BuildGraph()).Unsized);
        var free = TaskNetworks.Vector(4);
        free.Model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = 1;
        free.Constant("one", 1);
        free.Then("ArgMax", "k", null, Attribute("axis", 1), Attribute("keepdims", 0)).Then("Add", "size", ["one"])
            .Add("Expand", ["f", "size"], "y");
        var answers = Answers.Of(free.BuildGraph());
        Assert.Equal(["y"], answers.Unsized);
        // The class follows from the logits, which follow from the features through a layer: both are read.
        Assert.Equal(["f", "v"], answers.Ends.Select(end => end.Output).Order());
    }

    [Theory]
    [InlineData("logits", NetworkTask.Segment, "segment wants scores of classes at every place of a map")]
    [InlineData("pixels", NetworkTask.Classify, "classify wants one vector of scores an image")]
    [InlineData("boxes and scores", NetworkTask.Embed, "embed wants one vector an image")]
    [InlineData("two heads", NetworkTask.Detect, "detect wants boxes and scores")]
    [InlineData("two heads", NetworkTask.Classify, "classify wants one vector of scores an image")]
    public void ATaskThatDoesNotFitIsRefused(string name, NetworkTask task, string problem)
    {
        var graph = Graph.FromModel(Forms[name].Model(), "net.onnx").For(new TaskDecision(task, ""));
        var error = Assert.Throws<OnnxFormatException>(() => Readout.Of(graph));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains("answers with '", error.Message, StringComparison.Ordinal);
    }

    private static Form Unit(string how) => new(() => TaskNetworks.Vector(16).OfUnitLength(how).Build(), "embed", "y", "cosine");

    private static NetworkBuilder Best(int count)
    {
        var net = TaskNetworks.Vector(10).Then("Softmax", "y").Constant("k", count).Then("TopK", "values", ["k"]);
        net.Model.Graph.Node[^1].Output.Add("indices");
        return net;
    }

    private static NetworkBuilder Normalized(int count)
    {
        var net = TaskNetworks.Vector(count);
        foreach (var name in (string[])["scale", "bias", "mean", "variance"])
        {
            net.Model.Graph.Initializer.Add(TensorData.Singles(name, [.. Enumerable.Repeat(1f, count)], count));
        }
        return net.Then("BatchNormalization", "y", ["scale", "bias", "mean", "variance"]);
    }

    /// <summary>[N, 9, 7]: boxes and scores at every place of steps of 8 pixels.</summary>
    private static NetworkBuilder Rows()
    {
        var net = TaskNetworks.Trunk();
        net.Weight("wh", 7, 8, 4, 4);
        return net.Constant("rows", 0, 7, -1).Then("Conv", "h", ["wh"], Attribute("strides", 4, 4)).Then("Reshape", "flat", ["rows"])
            .Then("Transpose", "rows_last", null, Attribute("perm", 0, 2, 1));
    }

    private static NetworkBuilder Pyramid() =>
        TaskNetworks.Map(21).Then("MaxPool", "half", null, Attribute("kernel_shape", 2, 2), Attribute("strides", 2, 2));

    private static NetworkBuilder TwoHeads()
    {
        var net = TaskNetworks.Vector(5);
        net.Weight("wu", 7, 8);
        return net.Add("Gemm", ["f", "wu"], "u", Attribute("transB", 1));
    }

    private sealed record Form(Func<ModelProto> Model, string Task, string Reads, string Loss);
}
