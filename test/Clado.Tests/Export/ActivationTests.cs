using Clado.Activations;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Layers;
using Clado.Tests.Support;
using CsCheck;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Export;

public class ActivationTests
{
    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    /// <summary>
    /// What ONNX Runtime makes of a written file, with default options: no float convolution or product is left, whatever the width.
    /// </summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void WholeNetworkIsFusedToIntegerKernels(int bits)
    {
        using var folder = new TemporaryFolder();
        var later = NetworkBuilder.SmallClassifier().BuildGraph();
        foreach (var graph in (Graph[])[later, Harness.Earlier(later)])
        {
            var ops = Harness.Optimized(folder, Quantized(folder, graph, bits).Model);
            Assert.Equal(4, ops.Count(op => op == "QLinearConv"));
            Assert.Equal(1, ops.Count(op => op == "QLinearAdd"));
            Assert.Equal(1, ops.Count(op => op == "QLinearGlobalAveragePool"));
            Assert.Equal(1, ops.Count(op => op == "QGemm"));
            Assert.DoesNotContain(ops, op => op is "Conv" or "Gemm" or "MatMul" or "Add" or "Relu" or "BitShift" or "Reshape");
        }
    }

    [Theory]
    [InlineData("resnet20_cifar10", "imagenet", 19, 1)]
    [InlineData("vit_cifar10", "cifar10", 1, 25)]
    public void RealNetworksAreFusedToIntegerKernels(string model, string preprocess, int convolutions, int products)
    {
        using var folder = new TemporaryFolder();
        var graph = Graph.Read(SharedFiles.Require($"models/{model}.onnx"));
        var images = ImageFolder.Open(SharedFiles.Require("data/cifar10/calibration")).Limit(16, 0);
        var ops = Harness.Optimized(folder, Quantized(graph, images, Preprocessing.Parse(preprocess), 4).Model);
        Assert.Equal(convolutions, ops.Count(op => op == "QLinearConv"));
        Assert.Equal(products, ops.Count(op => op is "QGemm" or "MatMulIntegerToFloat"));
        Assert.DoesNotContain(ops, op => op is "Conv" or "Gemm");
    }

    /// <summary>
    /// Integer kernels round where the simulation does; what differs is a last bit here and there that float sums decide otherwise.
    /// </summary>
    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(8)]
    public void WrittenFileGivesWhatTheSimulationGives(int bits)
    {
        using var folder = new TemporaryFolder();
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier().BuildGraph(),
            NetworkBuilder.SmallClassifier(seed: 5, classes: 9).BuildGraph()])
        {
            var (model, chosen, activations, images) = Quantized(folder, graph, bits);
            var parity = ParityCheck.Run(
                graph, new(model, "m.onnx", chosen, activations), null,
                ParityInputs.Of(graph, new Workload(images, Unit) { Cancellation = TestContext.Current.CancellationToken }));
            double step = activations.Ranges.Scales.Max();
            Assert.InRange(parity.LargestDifference, 0, 3 * step);
            Assert.InRange(parity.MeanDifference, 0, step / 2);
            Assert.True(parity.Agreement >= 0.9);
        }
    }

    /// <summary>Large codes beside each other: kernels that add pairs of products in 16 bits would be wrong by far.</summary>
    [Fact]
    public void EightBitsDoNotOverflow()
    {
        var net = new NetworkBuilder(input: [64, 4, 4]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("w", [.. Enumerable.Repeat(1f, 64 * 8)], 8, 64, 1, 1));
        var graph = net.Then("Conv", "y", ["w"]).BuildGraph();
        var chosen = Harness.Candidates(graph, 8).Items;
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var activations = new QuantizedActivations(plan, new ActivationRanges([1f / 255, 64f / 255], [0, 0]));
        using var session = new GraphSession(ModelWriter.Build(graph, chosen, activations), "m.onnx", integers: true);
        using var input = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1f, 64 * 16).ToArray(), [1, 64, 4, 4]);
        using var outputs = session.Run(_ => input);
        Assert.All(outputs[0].GetTensorDataAsSpan<float>().ToArray(), y => Assert.Equal(64, y, 0.001));
    }

    /// <summary>
    /// Depthwise kernels take signed codes of 8 bits: whatever the processor, kernel and channels beyond its vectors, sums of the
    /// largest products are exact.
    /// </summary>
    [Theory]
    [InlineData(3, 16)]
    [InlineData(3, 120)]
    [InlineData(5, 24)]
    [InlineData(5, 7)]
    [InlineData(7, 40)]
    public void EightBitsOfDepthwiseConvolutionsDoNotOverflow(int side, int channels)
    {
        var net = new NetworkBuilder(input: [channels, 9, 9]);
        int taps = side * side;
        net.Model.Graph.Initializer.Add(TensorData.Singles("w",
            [.. Enumerable.Range(0, channels * taps).Select(i => i / taps % 2 == 0 ? 1f : -1f)], channels, 1, side, side));
        var graph = net.Then("Conv", "y", ["w"], Attribute("group", channels)).BuildGraph();
        var chosen = Harness.Candidates(graph, 8).Items;
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var activations = new QuantizedActivations(plan, new ActivationRanges([1f / 255, 2f * taps / 255], [0, 128]));
        var model = ModelWriter.Build(graph, chosen, activations);
        Assert.Contains(model.Graph.Initializer, t => t.DataType == (int)TensorProto.Types.DataType.Int8);
        using var session = new GraphSession(model, "m.onnx", integers: true);
        using var input = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1f, channels * 81).ToArray(), [1, channels, 9, 9]);
        using var outputs = session.Run(_ => input);
        int positions = (9 - side + 1) * (9 - side + 1);
        Assert.All(outputs[0].GetTensorDataAsSpan<float>().ToArray().Select((y, i) => (y, i)), p =>
            Assert.InRange(p.y - (p.i / positions % 2 == 0 ? taps : -taps), -0.6f * 2 * taps / 255, 0.6f * 2 * taps / 255));
    }

    [Fact]
    public void PredictedSizeIsTheFilesSizeForAllWidths()
    {
        using var folder = new TemporaryFolder();
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph()])
        {
            var candidates = Harness.Candidates(graph, 2, 3, 4, 5, 6, 7, 8);
            var plan = ActivationPlan.Of(graph, candidates.Layers);
            var sizes = new FileSize(graph, candidates.Layers, ActivationFormat.Int8);
            var random = new Random(1);
            Gen.Int[0, 6].Array[candidates.Layers.Count].Sample(widths =>
            {
                var chosen = widths.Select((w, layer) => candidates.Items[(layer * 7) + w]).ToArray();
                // Whatever the grids are, they take the same bytes.
                var ranges = new ActivationRanges(
                    [.. plan.Ranges.Select(_ => random.NextSingle() + 0.001f)], [.. plan.Ranges.Select(_ => (byte)random.Next(256))]);
                long size = OnnxFile.Write(ModelWriter.Build(graph, chosen, new QuantizedActivations(plan, ranges)), folder["m.onnx"]);
                Assert.Equal(size, sizes.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)));
            }, iter: 30, threads: 1);
        }
    }

    [Theory]
    [InlineData(RangeMethod.MinMax)]
    [InlineData(RangeMethod.Percentile)]
    [InlineData(RangeMethod.LeastSquares)]
    public void RangesDoNotDependOnThreads(RangeMethod method)
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var one = RangeMeasurement.Measure(graph, plan, method,
            new Workload(images, Unit) { Resources = new() { Threads = 1 }, Cancellation = TestContext.Current.CancellationToken });
        var three = RangeMeasurement.Measure(graph, plan, method,
            new Workload(images, Unit) { Resources = new() { Threads = 3 }, Cancellation = TestContext.Current.CancellationToken });
        Assert.Equal(one.Scales, three.Scales);
        Assert.Equal(one.ZeroPoints, three.ZeroPoints);
        Assert.All(one.Scales, scale => Assert.True(scale > 0));
    }

    /// <summary>
    /// The grid covers zero exactly and never leaves the interval where that starts at zero: a Clip before it is then dropped.
    /// </summary>
    [Fact]
    public void GridsKeepZeroAndStayInside() => Gen.Select(Gen.Double[-50, 0], Gen.Double[0.01, 50]).Sample((minimum, maximum) =>
    {
        var (scale, zero) = ActivationRanges.Grid(minimum, maximum);
        Assert.InRange(scale * zero, -minimum - scale, -minimum + scale);
        Assert.True(ActivationRanges.Grid(0, maximum).Scale * ActivationRanges.MaximumCode <= maximum);
    });

    /// <summary>A tiny channel with a large bias: the bias would not fit 32 bits at the channel's scale.</summary>
    [Fact]
    public void BiasesTooLargeForTheirGridRaiseIt()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("w", [1, 1, 1, 1e-12f, 1e-12f, 1e-12f], 2, 3, 1, 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("b", [0.5f, 3], 2));
        var graph = net.Then("Conv", "y", ["w", "b"]).BuildGraph();
        var chosen = Harness.Candidates(graph, 8).Items;
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        var biases = new IntegerBiases(graph, chosen, new QuantizedActivations(plan, new ActivationRanges([1f / 255, 4f / 255], [0, 0])));
        var rounded = biases.Rounded(plan.Nodes[0]);
        Assert.Equal(0.5f, rounded[0], 1e-4f);
        Assert.Equal(3, rounded[1], 1e-4f);
        Assert.Equal(chosen[0].Scales[0], biases.Chosen[0].Scales[0]);
    }

    [Fact]
    public void WhatStaysFloatIsSaid()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 4, 3, 3, 3);
        net.Weight("v", 4, 4, 3, 3);
        var graph = net.Then("Conv", "c", ["w"]).Then("Softplus", "s").Then("ConvTranspose", "y", ["v"]).BuildGraph();
        var plan = ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers);
        Assert.Equal(["Softplus", "ConvTranspose"], plan.Kept.Select(k => k.Op));
        Assert.Equal(["x", "c"], plan.Tensors.Select(t => t.Name));
    }

    private static (ModelProto Model, IReadOnlyList<Candidate> Chosen, QuantizedActivations Activations, ImageSet Images) Quantized(
        TemporaryFolder folder, Graph graph, int bits) =>
        Quantized(graph, ImageFolder.Open(Harness.Images(folder, "images", 4)), Unit, bits);

    private static (ModelProto Model, IReadOnlyList<Candidate> Chosen, QuantizedActivations Activations, ImageSet Images) Quantized(
        Graph graph, ImageSet images, Preprocessing preprocessing, int bits)
    {
        var candidates = Harness.Candidates(graph, bits);
        var plan = ActivationPlan.Of(graph, candidates.Layers);
        var ranges = RangeMeasurement.Measure(FakeQuantizedGraph.Of(graph, candidates.Items), plan, RangeMethod.Percentile,
            new Workload(images, preprocessing)
            {
                Resources = new() { Threads = 2 },
                Cancellation = TestContext.Current.CancellationToken,
            });
        var activations = new QuantizedActivations(plan, ranges);
        return (ModelWriter.Build(graph, candidates.Items, activations), candidates.Items, activations, images);
    }
}
