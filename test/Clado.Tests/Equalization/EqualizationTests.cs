using Clado.Equalization;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Equalization;

/// <summary>Scaled networks compute what they did, and are rounded with less error.</summary>
public class EqualizationTests
{
    // Products with factors that are no powers of two are rounded; outputs are near 1.
    private const double OutputTolerance = 1e-5;

    [Fact]
    public void ScaledChannelsChangeNoOutput() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var graph = Mixed(seed).BuildGraph();
        var pairs = PairFinder.Find(graph, LayerFinder.Find(graph).Layers);
        var random = new Random(seed);
        var scalings = pairs.Select(p => Scaling(p, () => (random.NextDouble() * 6) - 3)).ToArray();
        Assert.Equal(["r1", "r2", "p", "n", "r6"], pairs.Select(p => p.Tensor));
        var (before, after) = (Harness.Outputs(graph.Model), Harness.Outputs(EqualizedGraph.Of(graph, pairs, scalings).Model));
        Assert.Equal(before.Length, after.Length);
        Assert.All(before.Zip(after), pair => Assert.InRange(pair.First - pair.Second, -OutputTolerance, OutputTolerance));
    }, iter: 20);

    /// <summary>A tensor that is also read by an Add, is an output or has two kinds of readers gets no factors.</summary>
    [Fact]
    public void SharedTensorsAreLeftAlone()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph("logits", "c3");
        // r1 is added to c2, c3 is an output, f comes from a Flatten; r4 is pooled, but read over images and by a product.
        Assert.Empty(PairFinder.Find(graph, LayerFinder.Find(graph).Layers));
    }

    [Fact]
    public void BadlyScaledChannelsAreFoundAndTheirErrorFalls()
    {
        using var folder = new TemporaryFolder();
        var graph = Mixed(3).BuildGraph();
        var pairs = PairFinder.Find(graph, LayerFinder.Find(graph).Layers);
        var random = new Random(4);
        // What is undone below: channels spread over factors of 1/16 to 16.
        var spread = EqualizedGraph.Of(graph, pairs, [Scaling(pairs.Single(p => p.Tensor is "r2"), () => random.Next(-4, 5))]);
        var images = ImageFolder.Open(Harness.Images(folder, "images", 4));
        var again = PairFinder.Find(spread, LayerFinder.Find(spread).Layers);
        var found = Equalizer.Choose(spread, again, new NearestRounding(), 4, new Workload(images, Preprocessing.Parse("unit"))
        {
            Resources = new() { Threads = 2, MemoryBytes = 4L << 30 },
            Cancellation = TestContext.Current.CancellationToken,
        });
        var scaling = Assert.Single(found, s => s.Tensor == "r2");
        Assert.InRange(scaling.ErrorRatio, 0, 0.5);
    }

    [Fact]
    public void ARunFolderKeepsWhatWasScaled()
    {
        using var folder = new TemporaryFolder();
        var cancellation = TestContext.Current.CancellationToken;
        var model = folder["net.onnx"];
        OnnxFile.Write(Mixed(3).Build(), model);
        var run = Pipeline.Measure(new PipelineOptions
        {
            Model = model,
            Images = Harness.Images(folder, "images", 4),
            Preprocessing = Preprocessing.Parse("unit"),
            Equalize = true,
            Rounding = "nearest",
            Estimator = "diagonal",
            Loss = "mse",
            Run = folder["run"],
        }, cancellation: cancellation);
        Assert.NotEmpty(run.Scalings);
        string[] files = [folder["one.onnx"], folder["two.onnx"]];
        run.Deploy(run.Allocate("4bit", cancellation: cancellation), files[0], cancellation: cancellation).Commit();
        var opened = Pipeline.Open(run.RunPath);
        opened.Deploy(opened.Allocate("4bit", cancellation: cancellation), files[1], cancellation: cancellation).Commit();
        Assert.Equal(File.ReadAllBytes(files[0]), File.ReadAllBytes(files[1]));
    }

    /// <summary>A power of 2 for each channel.</summary>
    private static ChannelScaling Scaling(ChannelPair pair, Func<double> exponent) =>
        new(pair.Tensor, [], 0.5, [.. Enumerable.Range(0, pair.Channels).Select(_ => (float)Math.Pow(2, exponent()))]);

    /// <summary>Five tensors to scale: a Clip that is reached, a depthwise convolution, pooling, and a normalized product.</summary>
    private static NetworkBuilder Mixed(int seed)
    {
        var net = new NetworkBuilder(seed, input: [3, 8, 8]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("b1", 8);
        net.Weight("w2", 8, 1, 3, 3);
        net.Weight("w3", 12, 8, 1, 1);
        net.Weight("w4", 6, 12, 1, 1);
        net.Weight("w5", 6, 10);
        net.Weight("w6", 10, 7);
        net.Weight("b5", 10);
        net.Weight("scale", 6);
        net.Model.Graph.Initializer.Add(TensorData.Singles("zero", [0f]));
        net.Model.Graph.Initializer.Add(TensorData.Singles("ceiling", [0.25f]));
        net.Model.Graph.Initializer.Add(TensorData.Integers("flat", [0, 6], 2));
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        net.Then("Conv", "c1", ["w1", "b1"], pads).Then("Clip", "r1", ["zero", "ceiling"]);
        net.Then("Conv", "c2", ["w2"], pads, NodeExtensions.Attribute("group", 8)).Then("LeakyRelu", "r2").Then("Conv", "c3", ["w3"]);
        net.Then("Relu", "r3").Then("GlobalAveragePool", "p").Then("Conv", "c4", ["w4"]).Then("Reshape", "f", ["flat"]);
        net.Then("LayerNormalization", "n", ["scale"]).Then("MatMul", "m5", ["w5"]).Then("Add", "a5", ["b5"]);
        net.Then("Relu", "r6").Then("MatMul", "m6", ["w6"]);
        return net;
    }
}
