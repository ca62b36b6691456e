using System.Globalization;
using System.Runtime.InteropServices;
using Clado.Activations;
using Clado.Calibration;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;
using Clado.Tests.Layers;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Calibration;

public class InputTests
{
    /// <summary>Rows times weights are what the operator computes: the rows are the ones it multiplies with.</summary>
    [Fact]
    public void RowsTimesWeightsAreTheOperatorsOutput()
    {
        foreach (var graph in (Graph[])[LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(), Padded()])
        {
            foreach (var layer in LayerFinder.Find(graph).Layers)
            {
                var node = graph.Nodes[layer.Nodes[0]];
                int slot = InputRows.ActivationSlot(node, layer);
                Assert.True(slot >= 0, layer.Name);
                string[] wanted = [.. ((string[])[node.Output[0], node.Input[slot]]).Where(name => name != graph.Input)];
                long[] shape = [2, .. graph.Tensors[graph.Input].Shape.Skip(1)];
                var random = new Random(4);
                var pixels = Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.3f).ToArray();
                using var image = OrtValue.CreateTensorValueFromMemory(pixels, shape);
                using var session = new GraphSession(GraphPart.Extract(graph, new HashSet<string> { graph.Input }, wanted), "t");
                using var values = session.Run(_ => image);
                var (output, outputShape) = (values[0].GetTensorDataAsSpan<float>().ToArray(), values[0].GetTensorTypeAndShape().Shape);
                var (input, inputShape) = wanted.Length == 1 ? (pixels, shape) : (values[1].GetTensorDataAsSpan<float>().ToArray(), values[1].GetTensorTypeAndShape().Shape);
                Check(graph, node, layer, input, inputShape, output, outputShape);
            }
        }
    }

    [Fact]
    public void StatisticsAreTheMeanOfProductsWhateverThreadsAndMemory()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var preprocessing = Preprocessing.Parse("unit");
        var layers = LayerFinder.Find(graph).Layers;
        var one = InputMeasurement.Measure(graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 1, MemoryBytes = 1L << 32 }, Cancellation = TestContext.Current.CancellationToken }).ToArray();
        var two = InputMeasurement.Measure(graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 3, MemoryBytes = Smallest(graph, layers, images) }, Cancellation = TestContext.Current.CancellationToken }).ToArray();
        Assert.Equal(one.SelectMany(s => s.Gram).SelectMany(g => g), two.SelectMany(s => s.Gram).SelectMany(g => g));
        // The last layer sees one row an image.
        Assert.Equal(images.Items.Count, one[^1].RowCount);
        Assert.Equal(12 * 12, one[^1].Gram[0].Length);
        Assert.All(one.Zip(layers), p => Assert.Equal(p.Second.Groups, p.First.Gram.Count));
    }

    /// <summary>Behind rounded activations, a layer's inputs are what the network with these activations gives it, beside those of the float network.</summary>
    [Fact]
    public void InputsBehindRoundedActivationsMeetTheFloatOnes()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var preprocessing = Preprocessing.Parse("unit");
        var layers = LayerFinder.Find(graph).Layers;
        var plan = ActivationPlan.Of(graph, layers);
        // Coarse grids: the difference is seen.
        var ranges = new ActivationRanges([.. plan.Ranges.Select(_ => 0.25f)], [.. plan.Ranges.Select(_ => (byte)100)]);
        var rounded = QdqInsertion.Of(graph, new QuantizedActivations(plan, ranges));
        var cancellation = TestContext.Current.CancellationToken;
        var floats = InputMeasurement.Measure(graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 }, Cancellation = cancellation }).ToArray();
        var behind = InputMeasurement.Measure(rounded, LayerFinder.Find(rounded).Layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 }, Cancellation = cancellation }).ToArray();
        using var inTurn = new SequentialCalibration(graph, rounded, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 } });
        for (int layer = 0; layer < layers.Count; layer++)
        {
            var both = inTurn.Next();
            Close(behind[layer].Gram, both.Gram);
            Close(behind[layer].Mean!, both.Mean!);
            Close(floats[layer].Mean!, both.FloatMean!);
            Assert.NotEqual(floats[layer].Gram[0], both.Gram[0]);
        }
    }

    /// <summary>Carried along or computed from the images each time: every layer sees what a network gives it whose earlier layers are replaced, whatever it shares and skips.</summary>
    [Fact]
    public void InputsBehindReplacedLayersAreThoseOfTheNetworkWithTheseWeights()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var preprocessing = Preprocessing.Parse("unit");
        var cancellation = TestContext.Current.CancellationToken;
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier().BuildGraph(), SkipsAndShares(), .. Enumerable.Range(1, 8).Select(seed => Graph.FromModel(RandomBodies.Build(seed), "m.onnx"))])
        {
            var layers = LayerFinder.Find(graph).Layers;
            var random = new Random(6);
            float[] Shaken(string name) => [.. TensorData.ReadSingles("t", graph.Initializers[name]).Select(w => w * (1 + (0.3f * random.NextSingle())))];
            var floats = InputMeasurement.Measure(graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 }, Cancellation = cancellation }).ToArray();
            using var carried = new SequentialCalibration(graph, graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 } });
            using var afresh = new SequentialCalibration(graph, graph, layers, new Workload(images, preprocessing) { Resources = new() { Threads = 1, MemoryBytes = Smallest(graph, layers, images) } });
            var replaced = new List<TensorProto>();
            for (int i = 0; i < layers.Count; i++)
            {
                var direct = InputMeasurement.Measure(graph.With(replaced), layers, new Workload(images, preprocessing) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 }, Cancellation = cancellation }).ElementAt(i);
                var (first, second) = (carried.Next(), afresh.Next());
                foreach (var own in (InputStatistics[])[first, second])
                {
                    Close(direct.Gram, own.Gram);
                    Close(direct.Mean!, own.Mean!);
                    Close(floats[i].Mean!, own.FloatMean!);
                }
                Close(first.Cross!, second.Cross!);
                foreach (var name in new[] { layers[i].Weight, layers[i].Bias }.OfType<string>())
                {
                    var values = Shaken(name);
                    carried.Replace(name, values);
                    afresh.Replace(name, values);
                    replaced.Add(TensorData.Create(name, DataType.Float, MemoryMarshal.AsBytes<float>(values), [.. graph.Initializers[name].Dims]));
                }
            }
        }
    }

    [Fact]
    public void CrossProductsAreThoseWithTheFloatNetwork()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var layers = LayerFinder.Find(graph).Layers;
        using var inTurn = new SequentialCalibration(graph, graph, layers, new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 } });
        inTurn.Next();
        inTurn.Replace(layers[0].Weight, [.. TensorData.ReadSingles("t", graph.Initializers[layers[0].Weight]).Select(w => 2 * w)]);
        // Twice as large from the first layer on, where nothing but Relu and linear layers follow: four times in the Gram matrix, twice in the cross matrix.
        var twice = inTurn.Next();
        Close([[.. twice.Cross![0].Select(value => 2 * value)]], twice.Gram);
    }

    [Fact]
    public void InputsThatAreNotFiniteAreAnErrorThatNamesTheLayer()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder();
        net.Weight("a", 4, 3, 1, 1);
        net.Weight("b", 4, 4, 1, 1);
        var graph = net.Then("Conv", "c1", ["a"]).Then("Log", "l").Then("Conv", "c2", ["b"]).BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 1));
        var error = Assert.Throws<CladoException>(() => InputMeasurement.Measure(graph, LayerFinder.Find(graph).Layers, new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = 2, MemoryBytes = 1L << 32 }, Cancellation = TestContext.Current.CancellationToken }).ToArray());
        Assert.Contains("layer 'conv_c2' are NaN or infinite", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Equal but for what single precision loses of the largest entry: a small one is a difference of larger terms.</summary>
    private static void Close<T>(IReadOnlyList<T[]> expected, IReadOnlyList<T[]> actual)
        where T : System.Numerics.INumber<T>
    {
        foreach (var (e, a) in expected.Zip(actual))
        {
            double rounding = 1e-5 * e.Max(value => double.CreateChecked(T.Abs(value)));
            Assert.All(e.Zip(a), pair => Assert.Equal(double.CreateChecked(pair.First), double.CreateChecked(pair.Second), rounding));
        }
    }

    /// <summary>The least memory that is accepted: every layer gets a sweep of its own.</summary>
    private static long Smallest(Graph graph, IReadOnlyList<QuantizableLayer> layers, ImageSet images)
    {
        var error = Assert.Throws<CladoException>(() => InputMeasurement.Measure(graph, layers, new Workload(images, Preprocessing.Parse("unit")) { Resources = new() { Threads = 3, MemoryBytes = 1 } }).First());
        return (long.Parse(error.Message.Split("at least ")[1].Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture) + 1) << 20;
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(16, 300)]
    [InlineData(67, 40)]
    [InlineData(130, 257)]
    public void SumsOfProductsAgreeWithTheDirectLoop(int columns, int rows)
    {
        var random = new Random(columns);
        int width = GramSum.PackedWidth(columns);
        float[] Packed() => [.. Enumerable.Range(0, width * rows).Select(i => (i / (16 * rows) * 16) + (i % 16) < columns ? random.NextSingle() - 0.4f : 0)];
        float At(float[] packed, int row, int column) => packed[(((column / 16 * rows) + row) * 16) + (column % 16)];
        var (first, second) = (Packed(), Packed());
        var sum = new GramSum(columns);
        sum.Add(first, rows, 2);
        sum.Add(second, rows, 1);
        var result = sum.Symmetric(rows);
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double direct = Enumerable.Range(0, rows).Sum(n => ((double)At(first, n, i) * At(first, n, j)) + ((double)At(second, n, i) * At(second, n, j))) / rows;
                Assert.Equal(direct, result[(i * columns) + j], 1e-5);
            }
        }
        var total = new double[columns];
        GramSum.AddColumns(first, rows, total);
        GramSum.AddColumns(second, rows, total);
        for (int i = 0; i < columns; i++)
        {
            Assert.Equal(Enumerable.Range(0, rows).Sum(n => (double)At(first, n, i) + At(second, n, i)), total[i], 1e-5 * rows);
        }
    }

    private static void Check(Graph graph, NodeProto node, QuantizableLayer layer, float[] input, long[] inputShape, float[] output, long[] outputShape)
    {
        var matrix = WeightMatrix.Of(layer);
        var weights = TensorData.ReadSingles("t", graph.Initializers[layer.Weight]);
        var rows = InputRows.Of(graph, node, layer, inputShape);
        int[] all = [.. Enumerable.Range(0, rows.Count)];
        int width = GramSum.PackedWidth(matrix.Columns);
        // What was there before must not show through.
        var packed = new float[matrix.Groups * rows.Count * width];
        Array.Fill(packed, float.NaN);
        rows.Pack(input, all, packed);
        Assert.DoesNotContain(packed, float.IsNaN);
        var bias = node.Input.Count > 2 ? TensorData.ReadSingles("t", graph.Initializers[node.Input[2]]) : null;
        // Outputs: channels last for factors from the right, first after the image for convolutions, first for factors from the left.
        long channels = (long)matrix.Groups * matrix.Rows;
        bool last = node.OpType is "Gemm" || (node.OpType == "MatMul" && layer.ChannelAxis == 1);
        long positions = last ? 1 : outputShape.Skip(node.OpType == "MatMul" ? outputShape.Length - 1 : 2).Aggregate(1L, (a, b) => a * b);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int group = 0; group < matrix.Groups; group++)
            {
                for (int r = 0; r < matrix.Rows; r++)
                {
                    var w = matrix.Row(weights, group, r);
                    double sum = bias?[r] ?? 0;
                    for (int k = 0; k < w.Length; k++)
                    {
                        sum += (double)w[k] * packed[(group * rows.Count * width) + (((k / 16 * rows.Count) + row) * 16) + (k % 16)];
                    }
                    long channel = ((long)group * matrix.Rows) + r;
                    long at = (((row / positions * channels) + channel) * positions) + (row % positions);
                    Assert.Equal(sum, output[at], 1e-4 * Math.Max(1, Math.Abs(sum)));
                }
            }
        }
    }

    /// <summary>Automatic pads, output padding, strides with dilations, grouped transposed convolution.</summary>
    private static Graph Padded()
    {
        var net = new NetworkBuilder(input: [4, 9, 7]);
        net.Weight("upper", 6, 4, 3, 2);
        net.Weight("lower", 6, 6, 2, 4);
        net.Weight("valid", 6, 6, 2, 1);
        net.Weight("spread", 6, 2, 3, 3);
        net.Weight("same", 4, 5, 4, 3);
        return net.Then("Conv", "a", ["upper"], Attribute("auto_pad", "SAME_UPPER"), Attribute("strides", 1, 2))
            .Then("Conv", "b", ["lower"], Attribute("auto_pad", "SAME_LOWER"))
            .Then("Conv", "c", ["valid"], Attribute("auto_pad", "VALID"), Attribute("strides", 3, 1), Attribute("dilations", 2, 1))
            .Then("ConvTranspose", "d", ["spread"], Attribute("group", 2), Attribute("strides", 2, 3), Attribute("pads", 1, 0, 0, 1), Attribute("output_padding", 1, 2), Attribute("dilations", 1, 2))
            .Then("ConvTranspose", "e", ["same"], Attribute("auto_pad", "SAME_UPPER"), Attribute("strides", 2, 2))
            .BuildGraph();
    }

    /// <summary>A skip over two convolutions, of which one shares its weight with the last one, behind the sum.</summary>
    private static Graph SkipsAndShares()
    {
        var net = new NetworkBuilder();
        net.Weight("first", 4, 3, 3, 3);
        net.Weight("shared", 4, 4, 1, 1);
        net.Weight("between", 4, 4, 3, 3);
        var pads = Attribute("pads", 1, 1, 1, 1);
        return net.Then("Conv", "a", ["first"], pads).Then("Relu", "ra").Then("Conv", "b", ["shared"]).Then("Relu", "rb").Then("Conv", "c", ["between"], pads)
            .Add("Add", ["c", "ra"], "sum").Then("Relu", "rs").Then("Conv", "d", ["shared"]).BuildGraph();
    }
}
