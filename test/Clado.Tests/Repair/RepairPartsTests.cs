using Clado.Activations;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Repair;
using Clado.Tests.Layers;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Repair;

/// <summary>What a repair is made of: plans with floats, switches, rules, paired differences.</summary>
public class RepairPartsTests
{
    /// <summary>
    /// Whatever computes in floats, what is rounded was rounded before, no node is in two minds, and the file has the bytes predicted.
    /// </summary>
    [Fact]
    public void PlansWithFloatsAreParts()
    {
        using var folder = new TemporaryFolder();
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph()])
        {
            var chosen = Harness.Candidates(graph, 3).Items;
            var layers = LayerFinder.Find(graph).Layers;
            var full = ActivationPlan.Of(graph, layers);
            Gen.Int[0, graph.Nodes.Count - 1].HashSet[0, graph.Nodes.Count].Sample(floats =>
            {
                var plan = ActivationPlan.Of(graph, layers, floats);
                Assert.Subset(full.Tensors.Select(t => t.Name).ToHashSet(), plan.Tensors.Select(t => t.Name).ToHashSet());
                Assert.DoesNotContain(plan.Nodes, node => floats.Contains(node.Node));
                Assert.DoesNotContain(plan.Kernels.SelectMany(kernels => kernels), floats.Contains);
                Assert.All(plan.Kernels, Assert.NotEmpty);
                var ranges = new ActivationRanges([.. plan.Ranges.Select(_ => 0.01f)], [.. plan.Ranges.Select(_ => (byte)3)]);
                var model = ModelWriter.Build(graph, chosen, new QuantizedActivations(plan, ranges));
                Assert.Equal(OnnxFile.Write(model, folder["m.onnx"]), new FileSize(graph, layers, plan).Predict(chosen));
                new FileSize(graph, layers, plan).Check("m.onnx", new FileInfo(folder["m.onnx"]).Length, chosen);
            }, iter: 40, threads: 1);
            Assert.Empty(ActivationPlan.Of(graph, layers, full.Kernels.SelectMany(kernels => kernels).ToHashSet()).Tensors);
        }
    }

    /// <summary>With the kernels of a range in floats, its tensors are rounded no more.</summary>
    [Fact]
    public void KernelsOfARangeAreAllOfThem()
    {
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph()])
        {
            var layers = LayerFinder.Find(graph).Layers;
            var full = ActivationPlan.Of(graph, layers);
            for (int range = 0; range < full.Ranges.Count; range++)
            {
                var left = ActivationPlan.Of(graph, layers, full.Kernels[range]).Tensors.Select(tensor => tensor.Name);
                Assert.DoesNotContain(full.Tensors.Where(tensor => tensor.Range == range).Select(tensor => tensor.Name), left.Contains);
            }
        }
    }

    /// <summary>A switched range gives what the network gives with that range's tensors in a plan of their own.</summary>
    [Fact]
    public void SwitchedRangesAreRoundedRanges()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var readout = Readout.Of(graph);
        using var switched = new SwitchedNetwork(graph, plan, readout);
        using var floats = new ModelRunner(graph, readout, OutputSource.Float("test.onnx"));
        var images = ImageFolder.Open(Harness.Images(folder, "images", 1));
        var batch = new Workload(images, Preprocessing.Parse("unit")).Batches(graph, 8).Load(0);
        for (int range = 0; range < plan.Ranges.Count; range++)
        {
            var (scale, zero) = ActivationRanges.Grid(-1, 0.3 + range);
            var own = plan.Tensors.Where(tensor => tensor.Range == range).Select(tensor => tensor with { Range = 0 });
            var alone = plan with { Tensors = [.. own], Nodes = [], Kernels = [] };
            var rounded = QdqInsertion.Of(graph, new QuantizedActivations(alone, new ActivationRanges([scale], [zero])));
            using var runner = new ModelRunner(rounded, readout, OutputSource.Quantized("test.onnx"));
            var (expected, actual) = (runner.Run(batch), switched.Run(batch, range, (scale, zero))!);
            // The runtime fuses what is around the switches otherwise.
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
            Assert.NotEqual(floats.Run(batch), actual);
        }
    }

    /// <summary>No rule leaves what was seen, or zero, and quantiles of a larger tail lie within those of a smaller one.</summary>
    [Fact]
    public void RulesChooseIntervalsOfWhatWasSeen() => Gen.Float[-5, 20].Array[2, 400].Sample(values =>
    {
        var seen = new ActivationHistogram();
        seen.Add(values);
        double width = 1e-6 + (values.Max(Math.Abs) / 2048.0);
        Assert.All(RangeRule.All, rule =>
        {
            var (minimum, maximum) = rule.Interval(seen);
            Assert.InRange(minimum, Math.Min(0, values.Min()) - width, maximum + width);
            Assert.InRange(maximum, minimum - width, Math.Max(0, values.Max()) + width);
        });
        var (wide, narrow) = (seen.Percentile(0.01), seen.Percentile(0.1));
        Assert.True(wide.Minimum <= narrow.Minimum && narrow.Maximum <= wide.Maximum);
    });

    [Fact]
    public void GainsAreSureFromTwoStandardErrorsOn()
    {
        Assert.True(PairedGain.IsSure([3, 4, 5], [2, 3, 4]));
        Assert.False(PairedGain.IsSure([3, 4, 5], [3, 4, 5]));
        Assert.False(PairedGain.IsSure([1, 1, 1, 100], [1, 1, 1, 1]));
        Assert.True(PairedGain.IsSure([2, 3, 2, 3], [1, 1, 1, 1]));
        Assert.False(PairedGain.IsSure([2, 2], [3, 3]));
    }

    /// <summary>Why floats stand around what 8 bits do not serve: for grids of 16 bits ONNX Runtime's processor has no kernels.</summary>
    [Fact]
    public void SixteenBitsHaveNoIntegerKernels()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var chosen = Harness.Candidates(graph, 8).Items;
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var ranges = ActivationRanges.Of(plan.Ranges.Select(_ => (-1.0, 1.0)));
        var model = ModelWriter.Build(graph, chosen, new QuantizedActivations(plan, ranges));
        Assert.Contains("QLinearConv", Harness.Optimized(folder, model));
        var names = new TensorNames(graph);
        foreach (var zero in Enumerable.Range(0, plan.Ranges.Count).Select(range => names.Of(TensorRole.RangeZeroPoint, range)).ToArray())
        {
            var tensor = model.Graph.Initializer.First(t => t.Name == zero);
            tensor.DataType = (int)TensorProto.Types.DataType.Uint16;
            tensor.RawData = ByteString.CopyFrom([0, 128]);
        }
        Assert.DoesNotContain(Harness.Optimized(folder, model), op => op.StartsWith("QLinear", StringComparison.Ordinal) || op == "QGemm");
    }

    /// <summary>
    /// Weights of kernels in floats are constants once the file is loaded, whatever their width and the file's opset, and the file gives
    /// what its simulation gives. Dequantized they would be with every image, which takes ten times as long as the convolution.
    /// </summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void WeightsOfFloatKernelsAreFoldedAtLoad(int bits)
    {
        using var folder = new TemporaryFolder();
        var later = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = new Workload(ImageFolder.Open(Harness.Images(folder, "images", 2)), Preprocessing.Parse("unit"));
        foreach (var graph in (Graph[])[later, Harness.Earlier(later), Products(), Harness.Earlier(Products())])
        {
            var chosen = Harness.Candidates(graph, bits).Items;
            var layers = LayerFinder.Find(graph).Layers;
            var full = ActivationPlan.Of(graph, layers);
            var plan = ActivationPlan.Of(graph, layers, full.Kernels.Skip(1).SelectMany(kernels => kernels).ToHashSet());
            var ranges = RangeMeasurement.Measure(graph, plan, RangeMethod.MinMax, images);
            var activations = new QuantizedActivations(plan, ranges);
            var model = ModelWriter.Build(graph, chosen, activations);
            _ = Harness.Optimized(folder, model);
            var optimized = OnnxFile.Parse("optimized.onnx", File.ReadAllBytes(folder["optimized.onnx"])).Graph;
            var constants = optimized.Initializer.Select(t => t.Name).ToHashSet();
            var kernels = optimized.Node.Where(n => n.OpType is "Conv" or "FusedConv" or "Gemm" or "FusedGemm" or "MatMul").ToArray();
            Assert.NotEmpty(kernels);
            Assert.All(kernels, kernel => Assert.Contains(kernel.Operand(1), constants));
            var parity = ParityCheck.Run(graph, new(model, "m.onnx", chosen, activations), null, ParityInputs.Of(graph, images));
            parity.ThrowIfBroken("m.onnx");
            Assert.InRange(parity.MeanDifference, 0, 0.01);
        }
    }

    /// <summary>A Gemm and a MatMul, channels along the last axis.</summary>
    private static Graph Products()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w1", 192, 16);
        net.Weight("w2", 16, 6);
        return net.Then("Flatten", "f").Then("Gemm", "g", ["w1"]).Then("Softplus", "s").Then("MatMul", "y", ["w2"]).BuildGraph();
    }
}
