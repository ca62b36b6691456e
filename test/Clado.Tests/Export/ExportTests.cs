using Clado.Activations;
using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Layers;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Export;

public class ExportTests
{
    /// <summary>Every width, on every kind of layer, with element counts that leave bytes half full.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void WrittenModelComputesExactlyWhatItsDequantizedWeightsDo(int bits)
    {
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(), OddCounts(), Shared()])
        {
            var chosen = Harness.Candidates(graph, bits).Items;
            var written = OnnxFile.Parse("m.onnx", ModelWriter.Build(graph, chosen).ToByteArray());
            Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(written));
        }
    }

    [Fact]
    public void PredictedSizeIsTheFilesSize()
    {
        using var folder = new TemporaryFolder();
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(), OddCounts(), Shared()])
        {
            var candidates = Harness.Candidates(graph, 2, 3, 4, 5, 6, 7, 8);
            var sizes = new FileSize(graph, candidates.Layers);
            Gen.Int[0, 6].Array[candidates.Layers.Count].Sample(widths =>
            {
                var chosen = widths.Select((w, layer) => candidates.Items[(layer * 7) + w]).ToArray();
                long size = OnnxFile.Write(ModelWriter.Build(graph, chosen), folder["m.onnx"]);
                Assert.Equal(size, new FileInfo(folder["m.onnx"]).Length);
                Assert.Equal(size, sizes.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)));
            }, iter: 50, threads: 1);
        }
    }

    /// <summary>
    /// The file for older runtimes: other planes, the same bits; nothing in it that opset 21, or a runtime that cannot cast 4-bit
    /// types, does not know.
    /// </summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void FilesOfTheEarlierOpsetComputeTheSameToTheBit(int bits)
    {
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(), OddCounts(), Shared()])
        {
            var earlier = Harness.Earlier(graph);
            foreach (bool integers in (bool[])[false, true])
            {
                var later = ModelWriter.Build(graph, Harness.Candidates(graph, bits).Items, integers ? Activations(graph) : null);
                var written = OnnxFile.Parse("m.onnx", ModelWriter.Build(earlier, Harness.Candidates(earlier, bits).Items,
                    integers ? Activations(earlier) : null).ToByteArray());
                Assert.Equal(Harness.Outputs(later, integers: integers), Harness.Outputs(written, integers: integers));
                Assert.Equal(10, written.IrVersion);
                Assert.All(written.OpsetImport.Concat(written.Functions.SelectMany(f => f.OpsetImport)),
                    o => Assert.True(o.Domain == "clado" || o.Version == 21));
                Assert.DoesNotContain(written.Graph.Initializer,
                    t => (DataType)t.DataType is DataType.Int2 or DataType.Uint2 or DataType.Int4 or DataType.Uint4);
            }
        }
    }

    [Theory]
    [InlineData(ActivationFormat.Float)]
    [InlineData(ActivationFormat.Int8)]
    public void PredictedSizeIsTheFilesSizeAtTheEarlierOpset(ActivationFormat format)
    {
        foreach (var graph in new[] { LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(),
            OddCounts(), Shared() }.Select(Harness.Earlier))
        {
            var candidates = Harness.Candidates(graph, 2, 3, 4, 5, 6, 7, 8);
            var sizes = new FileSize(graph, candidates.Layers, format);
            Gen.Int[0, 6].Array[candidates.Layers.Count].Sample(widths =>
            {
                var chosen = widths.Select((w, layer) => candidates.Items[(layer * 7) + w]).ToArray();
                var model = ModelWriter.Build(graph, chosen, format == ActivationFormat.Int8 ? Activations(graph) : null);
                Assert.Equal(model.CalculateSize(), sizes.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)));
            }, iter: 30, threads: 1);
        }
    }

    /// <summary>Whatever opset candidates were made for, they cost what the file at hand makes of them.</summary>
    [Fact]
    public void CandidatesCostWhatTheFilesOpsetMakesOfThem()
    {
        var graph = LayerTests.AllKinds();
        var earlier = Harness.Earlier(graph);
        var (here, there) = (Harness.Candidates(graph, 2, 3, 4, 7, 8), Harness.Candidates(earlier, 2, 3, 4, 7, 8));
        Assert.Equal(there.Items.Select(c => c.SizeBytes), here.WrittenFor(earlier).Items.Select(c => c.SizeBytes));
        Assert.Equal(here.Items.Select(c => c.SizeBytes), there.WrittenFor(graph).Items.Select(c => c.SizeBytes));
        Assert.NotEqual(here.Items.Select(c => c.SizeBytes), there.Items.Select(c => c.SizeBytes));
    }

    [Fact]
    public void WeightBudgetIsTheLargestThatFits()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var sizes = new FileSize(graph, LayerFinder.Find(graph).Layers);
        // Around 128 and 16,384 bytes of graph the length of the graph's own length changes.
        Gen.Long[2_000, 40_000].Sample(budget =>
        {
            long weights = sizes.WeightBudget(budget, [3, 4]);
            Assert.True(sizes.Predict(weights, [3, 4]) <= budget);
            Assert.True(sizes.Predict(weights + 1, [3, 4]) > budget);
        });
    }

    [Fact]
    public void NamesOfTheModelAreNotTakenTwice()
    {
        var net = new NetworkBuilder(input: [4]);
        net.Weight("s0", 4, 5);
        net.Weight("q0", 5, 3);
        var graph = net.Then("MatMul", "o0", ["s0"]).Then("MatMul", "p1", ["q0"]).BuildGraph();
        var chosen = Harness.Candidates(graph, 7).Items;
        Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(ModelWriter.Build(graph, chosen)));
    }

    [Theory]
    [InlineData("resnet20_cifar10")]
    [InlineData("mlperf_resnet8_cifar10")]
    [InlineData("vit_cifar10")]
    [InlineData("mcunet_imagenet")]
    [InlineData("mobilenetv2_imagenet")]
    [InlineData("face_detection")]
    [InlineData("ocr_detection")]
    public void RealModelsAreExactToTheBitAndTheByte(string model)
    {
        var graph = Graph.Read(SharedFiles.Require($"models/{model}.onnx"));
        var candidates = Harness.Candidates(graph, 2, 3, 4, 5, 6, 7, 8);
        // Widths in turn, so that every kind of layer meets several.
        var chosen = candidates.Layers.Select((_, layer) => candidates.Items[(layer * 7) + (layer % 7)]).ToArray();
        var written = ModelWriter.Build(graph, chosen);
        Assert.Equal(written.CalculateSize(),
            new FileSize(graph, candidates.Layers).Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)));
        Assert.Equal(Harness.Outputs(Harness.WithWeights(graph, chosen), batch: 1), Harness.Outputs(written, batch: 1));
    }

    /// <summary>Grids from −1 to 1 for everything: what is compared need not be accurate.</summary>
    internal static QuantizedActivations Activations(Graph graph)
    {
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        return new QuantizedActivations(
            plan, new ActivationRanges([.. plan.Ranges.Select(_ => 2f / 255)], [.. plan.Ranges.Select(_ => (byte)128)]));
    }

    /// <summary>Weights whose element counts are 1, 3, 5, 7, 9 and so on modulo 8.</summary>
    internal static Graph OddCounts()
    {
        var net = new NetworkBuilder(input: [7]);
        net.Weight("a", 7, 5);
        net.Weight("b", 5, 1);
        net.Weight("c", 1, 3);
        net.Weight("d", 3, 3);
        return net.Then("MatMul", "p", ["a"]).Then("MatMul", "q", ["b"]).Then("MatMul", "r", ["c"]).Then("MatMul", "y", ["d"]).BuildGraph();
    }

    private static Graph Shared()
    {
        var net = new NetworkBuilder();
        net.Weight("w", 3, 3, 3, 3);
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        return net.Then("Conv", "a", ["w"], pads).Then("Relu", "r").Then("Conv", "b", ["w"], pads).BuildGraph();
    }
}
