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
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>
    /// Of a network that is linear in all weights together a candidate's shift is linear: products with the directions are those of the
    /// shift that is measured forward, whatever way a layer goes.
    /// </summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void DerivativesAreShiftsAlongTheDirections(string loss)
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
                var (expected, found) = Derivatives(graph, candidates, images, loss, at);
                MatrixAssert.Close(expected, found);
            }
        }
    }

    /// <summary>
    /// Small changes are linear: a residual network with a depthwise layer, and a weight at two depths beside another branch.
    /// </summary>
    [Fact]
    public void DerivativesOfSmallChangesAreForwardDifferences()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph(), SharedAndParallel()])
        {
            var candidates = Harness.Candidates(graph, 7, 8);
            var (expected, found) = Derivatives(graph, candidates, images, "kl", []);
            double scale = Math.Sqrt(expected.Average(value => value * value));
            double error = Math.Sqrt(expected.Zip(found, (a, b) => (a - b) * (a - b)).Average());
            Assert.InRange(error / scale, 0, 0.05);
        }
    }

    /// <summary>Two classes have one direction, and it is all there is: the loss is that of additive, with its standard errors.</summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("mse")]
    public void OfFewOutputsItIsAdditive(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var graph = Linear(classes: 2);
        var candidates = Harness.Candidates(graph, 2, 3, 4);
        int widths = candidates.Items.Count / candidates.Layers.Count;
        foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => layer * widths)]])
        {
            var (fisher, additive) = (
                Measure(graph, candidates, images, "fisher", loss, at), Measure(graph, candidates, images, "additive", loss, at));
            MatrixAssert.Close(additive.Raw, fisher.Raw);
            MatrixAssert.Close(additive.StandardErrors, fisher.StandardErrors);
            Assert.Equal("fisher", fisher.Estimator);
        }
    }

    /// <summary>A distribution of some certainty: the directions of largest curvature know nearly all, around a choice too.</summary>
    [Theory]
    [InlineData("kl", 8, 2)]
    [InlineData("ce", 8, 2)]
    [InlineData("kl", 40, 8)]
    public void OfCertainClassesItAgreesWithForwardDifferences(string loss, int classes, float scale)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        var graph = Linear(classes, scale);
        var candidates = Harness.Candidates(graph, 6, 8);
        int n = candidates.Items.Count;
        foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => layer * 2)]])
        {
            var (fisher, forward) = (
                Measure(graph, candidates, images, "fisher", loss, at), Measure(graph, candidates, images, "additive", loss, at));
            double[] expected = [.. Enumerable.Range(0, n).Select(forward.LossIncrease)];
            double[] found = [.. Enumerable.Range(0, n).Select(fisher.LossIncrease)];
            Assert.InRange(found.Sum() / expected.Sum(), 0.8, 1.25);
            double largest = expected.Max(Math.Abs);
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 0.2 * largest));
        }
    }

    /// <summary>Outputs that are no classes: what is drawn is right in the mean, semidefinite, and the image's own.</summary>
    [Theory]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void OfOtherOutputsVectorsAreDrawn(string loss)
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
        Assert.InRange(fisher.Eigenvalues.Min() / fisher.Eigenvalues.Max(), -1e-9, 1);
        // Other images, and another order of batches, change no image's own draws.
        var some = new ImageSet(images.Folder, [.. images.Items.Take(5)]);
        SensitivityMatrix Of(params IEnumerable<ImageItem> items) =>
            Measure(graph, candidates, new ImageSet(images.Folder, [.. items]), "fisher", loss, scaledBy: images);
        var parts = some.Items.Select(item => Of(item)).ToArray();
        MatrixAssert.Close([.. Enumerable.Range(0, n * n).Select(i => parts.Average(part => part.Raw[i]))], Of(some.Items).Raw);
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

    /// <summary>Of the first batch: products of the directions with shifts that are measured forward, and what they come to.</summary>
    private static (double[] Expected, double[] Found) Derivatives(
        Graph graph, CandidateSet candidates, ImageSet images, string loss, int[] at)
    {
        var inputs = new MeasurementInputs(graph, candidates, new Workload(images, Unit))
        {
            Scales = loss == "mse" ? Harness.Scales(graph, images) : null,
        };
        (MeasurementTask Task, LoadedTask Loaded, BatchMeasurement Batch) Open(string estimator)
        {
            var task = new MeasurementTask(inputs, at, new() { Estimator = estimator, Loss = loss });
            var plan = new MeasurementPlan(task, 16);
            var loaded = new LoadedTask(task, plan, new RecordStore());
            return (task, loaded, loaded.Open(plan[0]));
        }

        var (fisher, forward) = (Open("fisher"), Open("additive"));
        using (fisher.Loaded)
        using (fisher.Batch)
        using (forward.Loaded)
        using (forward.Batch)
        {
            float[][] directions = fisher.Batch.Directions;
            fisher.Batch.Measure(fisher.Batch.Plan.Units[0]);
            var found = fisher.Batch.Values<float>(fisher.Batch.Plan.Units[0], () => throw new InvalidOperationException());
            var shifts = Enumerable.Range(0, candidates.Items.Count).Select(forward.Batch.Shift).ToArray();
            int size = fisher.Task.Cuts.Readout.ElementCount, count = directions.Length, n = candidates.Items.Count;
            return (
                [.. Enumerable.Range(0, found.Length).Select(i =>
                {
                    var (image, row, direction) = (i / count / n, i / count % n, i % count);
                    // Around a choice a candidate that is there has no shift.
                    return Enumerable.Range(image * size, size).Sum(k => (double)directions[direction][k] * shifts[row][k]);
                })],
                Array.ConvertAll(found, value => (double)value));
        }
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

    /// <summary>
    /// Branches of one layer each: biases in a convolution, in a Gemm, and added to a product; groups, strides, dilations, depthwise ones,
    /// few places and many. Their means, as many as there are classes, are added.
    /// </summary>
    internal static Graph Linear(int classes = 8, float scale = 1)
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        long channels = classes;
        foreach (var (name, dims) in new (string, long[])[]
        {
            ("w1", [channels, 3, 3, 3]), ("b1", [channels]), ("w2", [channels, 3, 5, 5]), ("w3", [3, channels]), ("b3", [channels]),
            ("w4", [9, 1, 3, 3]), ("b4", [9]), ("w5", [channels, 3]), ("b5", [channels]), ("w6", [3, channels, 3, 3]), ("b6", [channels]),
            ("w7", [3, 1, 3, 5]), ("b7", [3]), ("w8", [channels, 3, 3, 3]), ("w9", [2 * channels, 3, 1, 1]), ("b9", [2 * channels]),
        })
        {
            net.Weight(name, dims);
        }
        foreach (var (name, values) in new (string, long[])[] { ("from", [0]), ("to", [Math.Min(channels, 3)]), ("axis", [1]),
            ("pads", [0, 0, 0, Math.Max(0, channels - 3)]), ("even", [2]), ("first", [0]), ("end", [2 * channels]) })
        {
            net.Model.Graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        }
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", [scale]));
        net.Add("Conv", ["x", "w1", "b1"], "c1").Then("GlobalAveragePool", "g1").Then("Flatten", "f1");
        net.Add("Conv", ["x", "w2"], "c2").Then("GlobalAveragePool", "g2").Then("Flatten", "f2");
        net.Add("GlobalAveragePool", ["x"], "g3").Then("Flatten", "f3").Then("MatMul", "m3", ["w3"]);
        net.Add("Add", ["m3", "b3"], "a3");
        net.Add("Conv", ["x", "w4", "b4"], "c4", NodeExtensions.Attribute("strides", 2, 2), NodeExtensions.Attribute("group", 3))
            .Then("GlobalAveragePool", "g4").Then("Flatten", "f4");
        net.Add("Gemm", ["f3", "w5", "b5"], "m5", NodeExtensions.Attribute("transB", 1));
        net.Add("ConvTranspose", ["x", "w6", "b6"], "c6").Then("GlobalAveragePool", "g6").Then("Flatten", "f6");
        net.Add("Conv", ["x", "w7", "b7"], "c7", NodeExtensions.Attribute("strides", 1, 2), NodeExtensions.Attribute("group", 3),
            NodeExtensions.Attribute("dilations", 2, 1), NodeExtensions.Attribute("pads", 2, 1, 1, 3))
            .Then("GlobalAveragePool", "g7").Then("Flatten", "f7");
        net.Add("Conv", ["x", "w8"], "c8", NodeExtensions.Attribute("strides", 3, 3)).Then("GlobalAveragePool", "g8").Then("Flatten", "f8");
        net.Add("Conv", ["x", "w9", "b9"], "c9").Then("GlobalAveragePool", "g9").Then("Flatten", "f9");
        foreach (int branch in (int[])[4, 7])
        {
            net.Add("Slice", [$"f{branch}", "from", "to", "axis"], $"s{branch}");
            net.Add("Pad", [$"s{branch}", "pads"], $"p{branch}");
        }
        net.Add("Slice", ["f9", "first", "end", "axis", "even"], "s9");
        net.Add("Sum", ["f1", "f2", "a3", "p4", "m5", "f6", "p7", "f8", "s9"], "sum");
        return net.Add("Mul", ["sum", "scale"], "y").BuildGraph();
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
