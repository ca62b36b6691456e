using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Sensitivities from gradients against those that are measured forward.</summary>
public class FisherTests
{
    private const double SinglePrecision = 2e-5;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>Outputs that are linear in all weights together have shifts that are linear, whatever the loss makes of them.</summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void OfANetworkThatIsLinearInItsWeightsItIsAdditive(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var graph = Linear();
        foreach (var candidates in (CandidateSet[])[
            Harness.Candidates(graph, 2, 3, 4), Harness.FeedbackCandidates(graph, images, 2, 4)])
        {
            // Around a choice too: all at their first width.
            int widths = candidates.Items.Count / candidates.Layers.Count;
            foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => layer * widths)]])
            {
                var fisher = Measure(graph, candidates, images, "fisher", loss, at);
                AssertClose(Measure(graph, candidates, images, "additive", loss, at).Raw, fisher.Raw);
                Assert.Equal("fisher", fisher.Estimator);
            }
        }
    }

    /// <summary>
    /// Small changes are linear: a residual network with a depthwise layer, and a weight at two depths beside another branch.
    /// </summary>
    [Fact]
    public void OfSmallChangesItAgreesWithForwardDifferences()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph(), SharedAndParallel()])
        {
            var candidates = Harness.Candidates(graph, 7, 8);
            var (fisher, forward) = (Measure(graph, candidates, images, "fisher"), Measure(graph, candidates, images, "additive"));
            int n = candidates.Items.Count;
            for (int row = 0; row < n; row++)
            {
                Assert.InRange(fisher.LossIncrease(row) / forward.LossIncrease(row), 0.9, 1.1);
                for (int other = 0; other < row; other++)
                {
                    Assert.Equal(fisher.Raw[(row * n) + other], fisher.Raw[(other * n) + row]);
                    double scale = Math.Sqrt(forward.Raw[row * (n + 1)] * forward.Raw[other * (n + 1)]);
                    Assert.Equal(forward.Raw[(row * n) + other], fisher.Raw[(row * n) + other], 0.1 * scale);
                }
            }
        }
    }

    /// <summary>
    /// More outputs than are differentiated one by one: what is drawn is right in the mean, semidefinite, and the image's own.
    /// </summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void OfManyOutputsVectorsAreDrawn(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 8));
        var graph = NetworkBuilder.SmallClassifier(classes: 40, side: 24).BuildGraph();
        var candidates = Harness.Candidates(graph, 6, 8);
        var (fisher, forward) = (
            Measure(graph, candidates, images, "fisher", loss), Measure(graph, candidates, images, "additive", loss));
        int n = candidates.Items.Count;
        for (int row = 0; row < n; row++)
        {
            double difference = fisher.LossIncrease(row) - forward.LossIncrease(row);
            double noise = fisher.StandardErrors[row * (n + 1)] / 2;
            Assert.InRange(Math.Abs(difference), 0, (4 * noise) + (0.05 * Math.Abs(forward.LossIncrease(row))));
        }
        if (loss != "ce")
        {
            Assert.InRange(fisher.Eigenvalues.Min() / fisher.Eigenvalues.Max(), -1e-9, 1);
        }
        // Other images, and another order of batches, change no image's own draws.
        var some = new ImageSet(images.Folder, [.. images.Items.Take(5)]);
        SensitivityMatrix Of(params IEnumerable<ImageItem> items) =>
            Measure(graph, candidates, new ImageSet(images.Folder, [.. items]), "fisher", loss, scaledBy: images);
        var parts = some.Items.Select(item => Of(item)).ToArray();
        AssertClose([.. Enumerable.Range(0, n * n).Select(i => parts.Average(part => part.Raw[i]))], Of(some.Items).Raw);
    }

    /// <summary>Maps of classes: places are drawn for themselves.</summary>
    [Fact]
    public void OfMapsOfClasses()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 4, 8, 1, 1);
        net.Then("Conv", "c", ["w1"], NodeExtensions.Attribute("pads", 1, 1, 1, 1)).Then("Relu", "r").Then("Conv", "y", ["w2"]);
        var graph = net.BuildGraph().For(new TaskDecision(NetworkTask.Segment, "it is"));
        var candidates = Harness.Candidates(graph, 5, 7);
        var (fisher, forward) = (Measure(graph, candidates, images, "fisher"), Measure(graph, candidates, images, "additive"));
        Assert.Equal("kl", fisher.Loss);
        Assert.All(Enumerable.Range(0, candidates.Items.Count), row =>
        {
            double noise = fisher.StandardErrors[row * (candidates.Items.Count + 1)] / 2;
            Assert.Equal(forward.LossIncrease(row), fisher.LossIncrease(row), (4 * noise) + (0.05 * forward.LossIncrease(row)));
        });
    }

    [Fact]
    public void WithoutAGradientItIsRefusedBeforeAnyWork()
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "set", 1);
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        net.Weight("r", 1, 20, 8);
        net.Weight("h", 1, 20, 5);
        net.Model.Graph.Initializer.Add(TensorData.Integers("steps", [1, -1, 8], 3));
        net.Model.Graph.Initializer.Add(TensorData.Integers("flat", [-1, 5], 2));
        net.Then("Reshape", "sequence", ["steps"]).Then("LSTM", "l", ["r", "h"], NodeExtensions.Attribute("hidden_size", 5));
        net.Then("Reshape", "y", ["flat"]);
        var model = folder["model.onnx"];
        OnnxFile.Write(net.Build(), model);
        var options = new PipelineOptions
        {
            Model = model,
            Images = images,
            Preprocessing = Unit,
            Run = folder["run"],
            Estimator = "fisher",
        };
        var error = Assert.Throws<CladoException>(() => Pipeline.Measure(options, null, TestContext.Current.CancellationToken));
        Assert.Contains("operator LSTM", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{Settings.Estimator} fisher wants gradients, use additive", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
        var (code, _, said) = Harness.Command(
            "measure", model, "--images", images, "--preprocess", "unit", "--run", folder["run"], "--estimator", "fisher");
        Assert.Equal(2, code);
        Assert.Contains("--estimator fisher", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("float")]
    [InlineData("8")]
    public void ARunMeasuresWithItAndChooses(string activations)
    {
        using var folder = new TemporaryFolder();
        var model = folder["model.onnx"];
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), model);
        var (code, _, error) = Harness.Command(
            "quantize", model, "--images", Harness.Images(folder, "set", 2), "--preprocess", "unit", "--run", folder["run"],
            "--estimator", "fisher",
            "--measure-activations", activations, "--bits", "2,4,8", "--budget", "4bits", "-o", folder["out.onnx"]);
        Assert.True(code == 0, error);
        Assert.True(File.Exists(folder["out.onnx"]));
    }

    private static void AssertClose(double[] expected, double[] actual)
    {
        double scale = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, SinglePrecision * scale));
    }

    private static SensitivityMatrix Measure(
        Graph graph, CandidateSet candidates, ImageSet images, string estimator, string? loss = null, int[]? at = null,
        ImageSet? scaledBy = null)
    {
        using var records = new RecordStore();
        var inputs = new MeasurementInputs(graph, candidates, new Workload(images, Unit) { Resources = new() { Threads = 2 } })
        {
            Scales = loss == "mse" ? Harness.Scales(graph, scaledBy ?? images) : null,
        };
        return SensitivityMeasurement.Measure(inputs, at ?? [], new() { Estimator = estimator, Loss = loss }, records);
    }

    /// <summary>Branches of one layer each: biases in a convolution, in a Gemm, and added to a product; groups, strides, places.</summary>
    private static Graph Linear()
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("b1", 8);
        net.Weight("w2", 8, 3, 5, 5);
        net.Weight("w3", 3, 8);
        net.Weight("b3", 8);
        net.Weight("w4", 9, 1, 3, 3);
        net.Weight("b4", 9);
        net.Weight("w5", 8, 3);
        net.Weight("b5", 8);
        net.Weight("w6", 3, 8, 3, 3);
        net.Weight("b6", 8);
        foreach (var (name, values) in new (string, long[])[] { ("from", [1]), ("to", [8]), ("axis", [1]), ("pads", [0, 0, 0, 1]) })
        {
            net.Model.Graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        }
        net.Add("Conv", ["x", "w1", "b1"], "c1").Then("GlobalAveragePool", "g1").Then("Flatten", "f1");
        net.Add("Conv", ["x", "w2"], "c2").Then("GlobalAveragePool", "g2").Then("Flatten", "f2");
        net.Add("GlobalAveragePool", ["x"], "g3").Then("Flatten", "f3").Then("MatMul", "m3", ["w3"]);
        net.Add("Add", ["m3", "b3"], "a3");
        net.Add("Conv", ["x", "w4", "b4"], "c4", NodeExtensions.Attribute("strides", 2, 2), NodeExtensions.Attribute("group", 3))
            .Then("GlobalAveragePool", "g4").Then("Flatten", "f4");
        net.Add("Gemm", ["f3", "w5", "b5"], "m5", NodeExtensions.Attribute("transB", 1));
        net.Add("ConvTranspose", ["x", "w6", "b6"], "c6").Then("GlobalAveragePool", "g6").Then("Flatten", "f6");
        net.Add("Slice", ["f4", "from", "to", "axis"], "s4");
        net.Add("Pad", ["s4", "pads"], "p4");
        return net.Add("Sum", ["f1", "f2", "a3", "p4", "m5", "f6"], "y").BuildGraph();
    }

    /// <summary>A weight used at two depths with another layer between, and two branches that meet.</summary>
    private static Graph SharedAndParallel()
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("s", 3, 3, 3, 3);
        net.Weight("m", 3, 3, 3, 3);
        net.Weight("p", 3, 3, 1, 1);
        net.Weight("h", 3, 8);
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        net.Then("Conv", "a", ["s"], pads).Then("Relu", "ra").Then("Conv", "b", ["m"], pads).Then("Relu", "rb");
        net.Then("Conv", "c", ["s"], pads).Add("Conv", ["x", "p"], "d").Add("Add", ["c", "d"], "e").Then("Relu", "re");
        return net.Then("GlobalAveragePool", "g").Then("Flatten", "f").Then("MatMul", "y", ["h"]).BuildGraph();
    }
}
