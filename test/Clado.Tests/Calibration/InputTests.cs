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
                var tensor = InputRows.Tensor(node, layer);
                Assert.NotNull(tensor);
                string[] wanted = [.. ((string[])[node.Output[0], tensor]).Where(name => name != graph.Input)];
                long[] shape = [2, .. graph.Tensors[graph.Input].Shape.Skip(1)];
                var random = new Random(4);
                int size = (int)shape.Aggregate(1L, (a, b) => a * b);
                var pixels = Enumerable.Range(0, size).Select(_ => random.NextSingle() - 0.3f).ToArray();
                using var image = OrtValue.CreateTensorValueFromMemory(pixels, shape);
                using var session = new GraphSession(GraphPart.Extract(graph, new HashSet<string> { graph.Input }, wanted), "t");
                using var values = session.Run(_ => image);
                Check(graph, node, layer, wanted.Length == 1 ? new(pixels, shape) : Values.Of(values[1]), Values.Of(values[0]));
            }
        }
    }

    [Fact]
    public void StatisticsAreTheMeanOfProductsWhateverThreadsAndMemory()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var layers = LayerFinder.Find(graph).Layers;
        var one = InputMeasurement.Measure(graph, layers, Work(images, threads: 1)).ToArray();
        var two = InputMeasurement.Measure(graph, layers, Work(images, threads: 3, Smallest(graph, layers, images))).ToArray();
        Assert.Equal(one.SelectMany(s => s.Gram).SelectMany(g => g), two.SelectMany(s => s.Gram).SelectMany(g => g));
        // The last layer sees one row an image.
        Assert.Equal(images.Items.Count, one[^1].RowCount);
        Assert.Equal(12 * 12, one[^1].Gram[0].Length);
        Assert.All(one.Zip(layers), p => Assert.Equal(p.Second.Groups, p.First.Gram.Count));
    }

    /// <summary>A layer's inputs are those in the network with quantized activations, next to those in the float network.</summary>
    [Fact]
    public void InputsAfterQuantizedActivationsMeetTheFloatOnes()
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 3));
        var layers = LayerFinder.Find(graph).Layers;
        var plan = ActivationPlan.Of(graph, layers);
        // Coarse grids: the difference is seen.
        var ranges = new ActivationRanges([.. plan.Ranges.Select(_ => 0.25f)], [.. plan.Ranges.Select(_ => (byte)100)]);
        var rounded = QdqInsertion.Of(graph, new QuantizedActivations(plan, ranges));
        var floats = InputMeasurement.Measure(graph, layers, Work(images)).ToArray();
        var quantized = InputMeasurement.Measure(rounded, LayerFinder.Find(rounded).Layers, Work(images)).ToArray();
        using var sequential = new SequentialCalibration(graph, rounded, layers, Work(images));
        for (int layer = 0; layer < layers.Count; layer++)
        {
            var both = sequential.Next();
            Close(quantized[layer].Gram, both.Gram);
            Close(quantized[layer].Mean!, both.Mean!);
            Close(floats[layer].Mean!, both.FloatMean!);
            Assert.NotEqual(floats[layer].Gram[0], both.Gram[0]);
        }
    }

    /// <summary>
    /// Every layer gets the inputs that a network with replaced earlier layers gives it, whatever the network shares and skips.
    /// That holds whether tensors are kept from layer to layer or computed from the images each time.
    /// </summary>
    [Fact]
    public void InputsAfterReplacedLayersAreThoseOfTheNetworkWithTheseWeights()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var random = Enumerable.Range(1, 8).Select(seed => Graph.FromModel(RandomBodies.Build(seed), "m.onnx"));
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier().BuildGraph(), SkipsAndShares(), .. random])
        {
            CheckReplaced(graph, images);
        }
    }

    private static void CheckReplaced(Graph graph, ImageSet images)
    {
        var layers = LayerFinder.Find(graph).Layers;
        var random = new Random(6);
        float[] Shaken(string name) =>
            [.. TensorData.ReadSingles("t", graph.Initializers[name]).Select(w => w * (1 + (0.3f * random.NextSingle())))];
        var floats = InputMeasurement.Measure(graph, layers, Work(images)).ToArray();
        using var carried = new SequentialCalibration(graph, graph, layers, Work(images));
        using var afresh = new SequentialCalibration(graph, graph, layers, Work(images, threads: 1, Smallest(graph, layers, images)));
        var replaced = new List<TensorProto>();
        for (int i = 0; i < layers.Count; i++)
        {
            var direct = InputMeasurement.Measure(graph.With(replaced), layers, Work(images)).ElementAt(i);
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
                long[] dims = [.. graph.Initializers[name].Dims];
                replaced.Add(TensorData.Create(name, DataType.Float, MemoryMarshal.AsBytes<float>(values), dims));
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
        using var sequential = new SequentialCalibration(graph, graph, layers, Work(images));
        sequential.Next();
        sequential.Replace(layers[0].Weight, [.. TensorData.ReadSingles("t", graph.Initializers[layers[0].Weight]).Select(w => 2 * w)]);
        // Twice as large from the first layer on, where nothing but Relu and linear layers follow.
        // That is four times in the Gram matrix, twice in the cross matrix.
        var twice = sequential.Next();
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
        var layers = LayerFinder.Find(graph).Layers;
        var error = Assert.Throws<CladoException>(() => InputMeasurement.Measure(graph, layers, Work(images)).ToArray());
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
        var work = Work(images, threads: 3, memory: 1);
        var error = Assert.Throws<CladoException>(() => InputMeasurement.Measure(graph, layers, work).First());
        string megabytes = error.Message.Split("at least ")[1].Split(' ')[0];
        return (long.Parse(megabytes, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) + 1) << 20;
    }

    private static Workload Work(ImageSet images, int threads = 2, long memory = 1L << 32) => new(images, Preprocessing.Parse("unit"))
    {
        Resources = new() { Threads = threads, MemoryBytes = memory },
        Cancellation = TestContext.Current.CancellationToken,
    };

    [Theory]
    [InlineData(1, 5)]
    [InlineData(16, 300)]
    [InlineData(67, 40)]
    [InlineData(130, 257)]
    public void SumsOfProductsAgreeWithTheDirectLoop(int columns, int rows)
    {
        var random = new Random(columns);
        int width = GramSum.PackedWidth(columns);
        float Value(int i) => (i / (16 * rows) * 16) + (i % 16) < columns ? random.NextSingle() - 0.4f : 0;
        float[] Packed() => [.. Enumerable.Range(0, width * rows).Select(Value)];
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
                double Product(float[] packed) => Enumerable.Range(0, rows).Sum(n => (double)At(packed, n, i) * At(packed, n, j));
                double direct = (Product(first) + Product(second)) / rows;
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

    private sealed record Values(float[] Elements, long[] Shape)
    {
        public static Values Of(OrtValue value) => new(value.GetTensorDataAsSpan<float>().ToArray(), value.GetTensorTypeAndShape().Shape);
    }

    private static void Check(Graph graph, NodeProto node, QuantizableLayer layer, Values input, Values output)
    {
        var matrix = WeightMatrix.Of(layer);
        var weights = TensorData.ReadSingles("t", graph.Initializers[layer.Weight]);
        var rows = InputRows.Of(graph, node, layer, input.Shape);
        int[] all = [.. Enumerable.Range(0, rows.Count)];
        int width = GramSum.PackedWidth(matrix.Columns);
        // What was there before must not show through.
        var packed = new float[matrix.Groups * rows.Count * width];
        Array.Fill(packed, float.NaN);
        rows.Pack(input.Elements, all, packed);
        Assert.DoesNotContain(packed, float.IsNaN);
        var bias = node.Input.Count > 2 ? TensorData.ReadSingles("t", graph.Initializers[node.Input[2]]) : null;
        // Outputs: channels last for factors from the right, first after the image for convolutions, first for factors from the left.
        long channels = (long)matrix.Groups * matrix.Rows;
        bool last = node.OpType is "Gemm" || (node.OpType == "MatMul" && layer.ChannelAxis == 1);
        int rank = output.Shape.Length;
        long positions = last ? 1 : output.Shape.Skip(node.OpType == "MatMul" ? rank - 1 : 2).Aggregate(1L, (a, b) => a * b);
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
                    Assert.Equal(sum, output.Elements[at], 1e-4 * Math.Max(1, Math.Abs(sum)));
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
            .Then(
                "ConvTranspose", "d", ["spread"], Attribute("group", 2), Attribute("strides", 2, 3), Attribute("pads", 1, 0, 0, 1),
                Attribute("output_padding", 1, 2), Attribute("dilations", 1, 2))
            .Then("ConvTranspose", "e", ["same"], Attribute("auto_pad", "SAME_UPPER"), Attribute("strides", 2, 2))
            .BuildGraph();
    }

    /// <summary>A skip over two convolutions, of which one shares its weight with the last one, after the sum.</summary>
    private static Graph SkipsAndShares()
    {
        var net = new NetworkBuilder();
        net.Weight("first", 4, 3, 3, 3);
        net.Weight("shared", 4, 4, 1, 1);
        net.Weight("between", 4, 4, 3, 3);
        var pads = Attribute("pads", 1, 1, 1, 1);
        return net.Then("Conv", "a", ["first"], pads).Then("Relu", "ra").Then("Conv", "b", ["shared"]).Then("Relu", "rb")
            .Then("Conv", "c", ["between"], pads)
            .Add("Add", ["c", "ra"], "sum").Then("Relu", "rs").Then("Conv", "d", ["shared"]).BuildGraph();
    }
}
