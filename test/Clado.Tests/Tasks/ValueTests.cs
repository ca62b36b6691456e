using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Tasks;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Tasks;

/// <summary>What a network answers on images decides where its structure leaves open what it is for.</summary>
public class ValueTests
{
    [Fact]
    public void ProbabilitiesAreKnownByTheirSum()
    {
        using var folder = new TemporaryFolder();
        // A softmax written out: no operator tells.
        var net = TaskNetworks.Vector(10).Constant("last", 1).Then("Exp", "e").Then("ReduceSum", "sum", ["last"])
            .Add("Div", ["e", "sum"], "y");
        var readout = Decide(folder, net, out var graph);
        Assert.Equal((NetworkTask.Classify, true), (readout.Task, readout.Decision.HoldsProbabilities));
        Assert.Contains("sum to 1 on every one of 16 images", readout.Decision.Reason, StringComparison.Ordinal);
        // What is read are logarithms, whose softmax the probabilities are: the loss is that of the logits.
        var logits = TaskNetworks.Vector(10).BuildGraph();
        var (own, expected) = (Answer(graph, folder), Answer(logits, folder));
        foreach (var (log, z) in own.Zip(expected))
        {
            double constant = z[0] - log[0];
            Assert.All(log.Zip(z), pair => Assert.Equal(pair.Second - constant, pair.First, 1e-4));
        }
        // So it is where it is said.
        Assert.True(Readout.Of(TaskFinder.Decide(graph.For(null), NetworkTask.Classify, Work(folder))).Decision.HoldsProbabilities);
        Assert.False(Readout.Of(TaskFinder.Decide(graph.For(null), NetworkTask.Regress, Work(folder))).Decision.HoldsProbabilities);
    }

    [Fact]
    public void ProbabilitiesOfPixelsAreKnownToo()
    {
        using var folder = new TemporaryFolder();
        var net = TaskNetworks.Map(5).Enlarged().Constant("channels", 1).Then("Exp", "e").Then("ReduceSum", "sum", ["channels"])
            .Add("Div", ["e", "sum"], "y");
        var readout = Decide(folder, net, out _);
        Assert.Equal((NetworkTask.Segment, true, "y"), (readout.Task, readout.Decision.HoldsProbabilities, readout.Outputs[0]));
        Assert.Equal(new ClassLayout(5, 24 * 24, true), Assert.Single(readout.Classes!));
    }

    [Fact]
    public void UnitLengthIsKnownWithoutItsOperators()
    {
        using var folder = new TemporaryFolder();
        // x · (x·x)^(-1/2), by a product of matrices.
        var net = TaskNetworks.Vector(16).Constant("column", 2).Constant("row", 1);
        net.Model.Graph.Initializer.Add(TensorData.Singles("power", [-0.5f]));
        net.Then("Unsqueeze", "standing", ["column"]).Add("Unsqueeze", ["v", "row"], "lying").Add("MatMul", ["lying", "standing"], "square")
            .Then("Squeeze", "squared", ["row"]).Then("Pow", "inverse", ["power"]).Add("Mul", ["v", "inverse"], "y");
        var readout = Decide(folder, net, out _);
        Assert.Equal((NetworkTask.Embed, true), (readout.Task, readout.Decision.IsCertain));
        Assert.Contains("of length 1", readout.Decision.Reason, StringComparison.Ordinal);
    }

    /// <summary>Three scores that compete for one class keep their sum; three angles do not.</summary>
    [Theory]
    [InlineData(true, NetworkTask.Classify, "as that of scores that compete")]
    [InlineData(false, NetworkTask.Regress, "would vary less")]
    public void FewValuesAreToldByTheirSum(bool compete, NetworkTask task, string reason)
    {
        using var folder = new TemporaryFolder();
        var net = TaskNetworks.Vector(3);
        if (compete)
        {
            // As cross-entropy leaves them: the weights of the classes add up to nothing.
            var weight = net.Model.Graph.Initializer.Single(t => t.Name == "wv");
            float[] values = TensorData.ReadSingles("", weight);
            for (int k = 0; k < 8; k++)
            {
                values[16 + k] = -values[k] - values[8 + k];
            }
            net.Model.Graph.Initializer.Remove(weight);
            net.Model.Graph.Initializer.Add(TensorData.Singles("wv", values, 3, 8));
        }
        var readout = Decide(folder, net, out _);
        Assert.Equal((task, false), (readout.Task, readout.Decision.IsCertain));
        Assert.Contains(reason, readout.Decision.Sentence, StringComparison.Ordinal);
        Assert.EndsWith("if it is for something else, give the task", readout.Decision.Sentence, StringComparison.Ordinal);
    }

    /// <summary>Of features a softmax is nowhere decided; of scores of as many classes it is.</summary>
    [Theory]
    [InlineData(1, NetworkTask.Embed)]
    [InlineData(1000, NetworkTask.Classify)]
    public void WidthsOfFeaturesAreToldByASoftmax(float scale, NetworkTask task)
    {
        using var folder = new TemporaryFolder();
        var net = TaskNetworks.Vector(128);
        net.Model.Graph.Initializer.Add(TensorData.Singles("wide", TensorData.ReadSingles("", Scaled(net, scale)), 128, 8));
        net.Add("Gemm", ["f", "wide"], "y", Attribute("transB", 1));
        Assert.Equal(task, Decide(folder, net, out _).Task);
    }

    /// <summary>Features behind a Relu may be as decided as scores, but none is negative.</summary>
    [Fact]
    public void FeaturesBehindAReluAreNoScores()
    {
        using var folder = new TemporaryFolder();
        var net = TaskNetworks.Vector(128);
        net.Model.Graph.Initializer.Add(TensorData.Singles("wide", TensorData.ReadSingles("", Scaled(net, 1000)), 128, 8));
        net.Add("Gemm", ["f", "wide"], "g", Attribute("transB", 1)).Add("Relu", ["g"], "y");
        var readout = Decide(folder, net, out _);
        Assert.Equal(NetworkTask.Embed, readout.Task);
        Assert.Contains("is negative on every one", readout.Decision.Sentence, StringComparison.Ordinal);
    }

    /// <summary>Who asks for a loss of classes says that there are some.</summary>
    [Fact]
    public void ALossOfClassesSaysClasses()
    {
        using var folder = new TemporaryFolder();
        var vector = TaskFinder.Decide(TaskNetworks.Vector(3).BuildGraph(), null, Work(folder), wantsClasses: true);
        Assert.Equal("classify, since a loss of classes is asked for", Readout.Of(vector).Decision.Sentence);
        var map = TaskFinder.Decide(TaskNetworks.Map(5).Enlarged().BuildGraph(), null, Work(folder), wantsClasses: true);
        Assert.Equal(NetworkTask.Segment, Readout.Of(map).Task);
        // Nothing is open of pixels.
        var pixels = TaskFinder.Decide(TaskNetworks.Map(3).Enlarged().BuildGraph(), null, Work(folder), wantsClasses: true);
        Assert.Equal(NetworkTask.Regress, Readout.Of(pixels).Task);
    }

    [Fact]
    public void LabelsThatFitAreClasses()
    {
        using var folder = new TemporaryFolder();
        // Eight class folders. Eight values that end in no operator of scores, and four that they cannot belong to.
        var bounded = TaskNetworks.Vector(8);
        bounded.Model.Graph.Initializer.Add(TensorData.Singles("low", [-0.01f]));
        var fitting = Decide(folder, bounded.Then("Clip", "y", ["low"]), out _);
        Assert.Equal(NetworkTask.Classify, fitting.Task);
        Assert.Contains("as many values as the images have classes, 8", fitting.Decision.Reason, StringComparison.Ordinal);
        var four = Decide(folder, TaskNetworks.Vector(4), out _);
        Assert.DoesNotContain("labels", four.Decision.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, NetworkTask.Segment)]
    [InlineData(0.01f, NetworkTask.Regress)]
    public void MapsAreToldByASoftmax(float scale, NetworkTask task)
    {
        using var folder = new TemporaryFolder();
        var net = TaskNetworks.Map(5).Enlarged();
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", [scale]));
        var readout = Decide(folder, net.Then("Mul", "y", ["scale"]), out _);
        Assert.Equal((task, false), (readout.Task, readout.Decision.IsCertain));
    }

    /// <summary>Where nothing is open, nothing runs: images that are none are not missed.</summary>
    [Fact]
    public void PlainClassifiersCostNoPass()
    {
        var nothing = new Workload(new ImageSet("nowhere", [new ImageItem("nowhere/0.png", "0.png", null)]), Preprocessing.Parse("unit"));
        Assert.Equal(NetworkTask.Classify, Readout.Of(TaskFinder.Decide(TaskNetworks.Vector(10).BuildGraph(), null, nothing)).Task);
        Assert.ThrowsAny<CladoException>(() => TaskFinder.Decide(TaskNetworks.Vector(3).BuildGraph(), null, nothing));
    }

    private static TensorProto Scaled(NetworkBuilder net, float scale)
    {
        var weight = net.Model.Graph.Initializer.Single(t => t.Name == "wv");
        return TensorData.Singles("scaled", [.. TensorData.ReadSingles("", weight).Select(w => scale * w)], 128, 8);
    }

    private static Readout Decide(TemporaryFolder folder, NetworkBuilder net, out Graph graph)
    {
        graph = TaskFinder.Decide(net.BuildGraph(), null, Work(folder));
        return Readout.Of(graph);
    }

    private static Workload Work(TemporaryFolder folder)
    {
        var set = Directory.Exists(folder["set"]) ? folder["set"] : Harness.Images(folder, "set", 2);
        return new Workload(ImageFolder.Open(set), Preprocessing.Parse("unit"));
    }

    private static float[][] Answer(Graph graph, TemporaryFolder folder)
    {
        var readout = Readout.Of(graph);
        using var runner = new Clado.Inference.ModelRunner(graph, readout, Clado.Inference.OutputSource.Float("n.onnx"));
        return [.. runner.Run(Work(folder).Batches(graph, 16).Load(0)).Chunk(readout.ElementCount)];
    }
}
