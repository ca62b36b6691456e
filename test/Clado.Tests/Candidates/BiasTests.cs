using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Sensitivity;
using Clado.Tests.Sensitivity;
using Clado.Tests.Support;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Candidates;

/// <summary>Bias correction: biases undo the change of mean that rounding makes to a layer's outputs.</summary>
public class BiasTests
{
    [Fact]
    public void ABiasIsFoundWhereItIsTheLayersOwn()
    {
        var layers = LayerFinder.Find(Network()).Layers.ToDictionary(l => l.Weight, l => l.Bias);
        Assert.Equal("b1", layers["w1"]);
        // Its own bias is read by another node as well.
        Assert.Null(layers["w2"]);
        Assert.Equal("b3", layers["w3"]);
        Assert.Null(layers["w4"]);
        Assert.Equal("b5", layers["w5"]);
    }

    /// <summary>Corrected biases are in the file, cost no byte, and the file computes exactly what the candidates say.</summary>
    [Fact]
    public void TheWrittenFileHasTheCorrectedBiasesAtThePredictedSize()
    {
        using var folder = new TemporaryFolder();
        var graph = Network();
        var candidates = Harness.FeedbackCandidates(graph, ImageFolder.Open(Harness.Images(folder, "images", 2)), 3);
        Assert.Equal(["w1", "w3", "w5"], candidates.Items.Where(c => c.Bias is not null).Select(c => c.Layer.Weight));
        var model = ModelWriter.Build(graph, candidates.Items);
        long predicted = new FileSize(graph, candidates.Layers)
            .Predict(candidates.Items.Sum(c => c.SizeBytes), candidates.Items.Select(c => c.Bits));
        Assert.Equal(OnnxFile.Write(model, folder["m.onnx"]), predicted);
        var outputs = Harness.Outputs(Harness.WithWeights(graph, candidates.Items));
        Assert.Equal(outputs, Harness.Outputs(OnnxFile.Parse("m.onnx", model.ToByteArray())));
        var uncorrected = candidates.Items.Select(c => c with { Bias = null });
        Assert.NotEqual(outputs, Harness.Outputs(Harness.WithWeights(graph, uncorrected)));
    }

    [Fact]
    public void SensitivitiesAreMeasuredWithTheCorrectedBiases()
    {
        using var folder = new TemporaryFolder();
        var graph = Network();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 2));
        var candidates = Harness.FeedbackCandidates(graph, images, 2, 4);
        using var records = new Clado.Records.RecordStore();
        // Of the float network, and around the one with every layer's first width.
        foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => 2 * layer)]])
        {
            var measured = SensitivityMeasurement.Measure(
                new(graph, candidates, new Workload(images, Preprocessing.Parse("unit"))) { Scales = Harness.Scales(graph, images) },
                at, new SensitivityOptions { Estimator = "pairwise", Loss = "mse" }, records);
            var naive = NaiveSensitivity.Measure(graph, candidates, images, Preprocessing.Parse("unit"), "mse", at);
            double largest = naive.Max(Math.Abs);
            Assert.All(naive.Zip(measured.Raw), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * largest));
        }
    }

    /// <summary>What correcting is said to gain is what the files with and without it lose.</summary>
    [Fact]
    public void TheGainOfCorrectedBiasesIsThatOfTheWrittenFiles()
    {
        using var folder = new TemporaryFolder();
        var graph = Network();
        OnnxFile.Write(graph.Model, folder["float.onnx"]);
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        // Not its classes: it has five.
        images = new ImageSet(images.Folder, [.. images.Items.Select(i => i with { Label = null })]);
        var preprocessing = Preprocessing.Parse("unit");
        var cancellation = TestContext.Current.CancellationToken;
        var chosen = Harness.FeedbackCandidates(graph, images, 2).Items;
        var work = new Workload(images, preprocessing) { Cancellation = cancellation };
        double LossOf(IEnumerable<Candidate> candidates, string name)
        {
            OnnxFile.Write(ModelWriter.Build(graph, [.. candidates]), folder[name]);
            var result = Evaluator.Evaluate(new(folder[name]), new(folder["float.onnx"], "kl"), new(), work);
            return result.LossIncrease!.Value;
        }

        Candidate[] uncorrected = [.. chosen.Select(c => c with { Bias = null })];
        double corrected = LossOf(chosen, "with.onnx");
        var effect = BiasEffect.Measure(graph, chosen, () => corrected, null, "kl", work)!;
        Assert.Equal(LossOf(uncorrected, "without.onnx"), effect.UncorrectedLoss, 1e-6);
        Assert.NotEqual(effect.CorrectedLoss, effect.UncorrectedLoss);
        Assert.Equal(3, effect.Layers);
        Assert.True(effect.LargestChange > 0);
        Assert.Null(BiasEffect.Measure(graph, uncorrected, () => corrected, null, null, work));
    }

    /// <summary>On the very images, with the layer's own inputs all taken, the mean of its outputs is the float network's.</summary>
    [Fact]
    public void TheMeanOfTheFirstLayersOutputsIsKept()
    {
        using var folder = new TemporaryFolder();
        var graph = Network();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 2));
        var first = Harness.FeedbackCandidates(graph, images, 2).Items[0];
        double[] Means(ModelProto model)
        {
            var part = GraphPart.Extract(Graph.FromModel(model, "t"), new HashSet<string> { graph.Input }, ["c1"]);
            using var session = new GraphSession(part, "t");
            var batch = new ImageBatches(images, graph, Preprocessing.Parse("unit"), images.Items.Count).Load(0);
            using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
            using var outputs = session.Run(_ => input);
            var values = outputs[0].GetTensorDataAsSpan<float>().ToArray();
            return [.. Enumerable.Range(0, 8).Select(c => values.Where((_, i) => i / 64 % 8 == c).Average(v => (double)v))];
        }

        var (floats, rounded) = (Means(graph.Model), Means(Harness.WithWeights(graph, [first])));
        Assert.All(floats.Zip(rounded), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    /// <summary>Convolutions with a bias of their own, with a shared one and with groups; a product with a bias, and one without.</summary>
    private static Graph Network()
    {
        var net = new NetworkBuilder();
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("b1", 8);
        net.Weight("w2", 8, 8, 3, 3);
        net.Weight("b2", 8);
        net.Weight("w3", 8, 4, 3, 3);
        net.Weight("b3", 8);
        net.Weight("w4", 8, 6);
        net.Weight("w5", 6, 5);
        net.Weight("b5", 5);
        var pads = Attribute("pads", 1, 1, 1, 1);
        return net.Then("Conv", "c1", ["w1", "b1"], pads).Then("Relu", "r1").Then("Conv", "c2", ["w2", "b2"], pads).Then("Relu", "r2")
            .Then("Conv", "c3", ["w3", "b3"], pads, Attribute("group", 2)).Then("Relu", "r3")
            .Then("GlobalAveragePool", "p").Then("Flatten", "f").Add("Add", ["f", "b2"], "s")
            .Then("MatMul", "m", ["w4"]).Then("MatMul", "n", ["w5"]).Then("Add", "y", ["b5"]).BuildGraph();
    }
}
