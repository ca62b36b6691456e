using Clado.Calibration;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Calibration;

/// <summary>What recurrent weights and batches of matrices are multiplied with.</summary>
public class FactorTests
{
    private const int Images = 2;

    /// <summary>
    /// h_t = tanh(W x_t + R h_{t−1}): rows of both weights give what the operator computes, forwards, backwards, and in both directions.
    /// </summary>
    [Theory]
    [InlineData("rnn")]
    [InlineData("bidirectional rnn")]
    [InlineData("reverse rnn")]
    public void RowsOfARecurrentNodeAreWhatItMultipliesWith(string kind)
    {
        var graph = ConstantKinds.Of(kind).BuildGraph();
        var (inputs, states) = (Rows(graph, "w"), Rows(graph, "r"));
        var (w, r) = (Matrix(graph, "w"), Matrix(graph, "r"));
        var (output, _) = Run(graph, "h");
        for (int direction = 0; direction < w.Matrix.Groups; direction++)
        {
            bool isBackward = direction == 1 || kind.StartsWith("reverse", StringComparison.Ordinal);
            for (int step = 0; step < ConstantKinds.Steps; step++)
            {
                int before = isBackward ? step + 1 : step - 1;
                for (int image = 0; image < Images; image++)
                {
                    for (int row = 0; row < w.Matrix.Rows; row++)
                    {
                        double sum = Dot(w, direction, row, inputs, (step * Images) + image);
                        if (before is >= 0 and < ConstantKinds.Steps)
                        {
                            // Backwards, the first row is the state after the first step of the tensor.
                            sum += Dot(r, direction, row, states, ((isBackward ? before - 1 : before) * Images) + image);
                        }
                        int at = (((((step * w.Matrix.Groups) + direction) * Images) + image) * w.Matrix.Rows) + row;
                        Assert.Equal(output[at], Math.Tanh(sum), 1e-4);
                    }
                }
            }
        }
    }

    /// <summary>
    /// A batch of matrices is rounded as its matrices are as layers of their own, on the inputs that each meets: same codes, same scales.
    /// </summary>
    [Theory]
    [InlineData("batch", false)]
    [InlineData("batch at the left", false)]
    [InlineData("batch in the middle", false)]
    [InlineData("batch of shared rows", true)]
    public void ABatchIsRoundedAsItsMatricesAre(string kind, bool sharesRows)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 1));
        var whole = ConstantKinds.Of(kind);
        var graph = whole.BuildGraph();
        var parts = Parts(graph, sharesRows).BuildGraph();
        foreach (var rounding in (IRounding[])[new FeedbackRounding(), new GpfqRounding(), new NearestRounding()])
        {
            var one = Candidate(graph, images, rounding, "w");
            Candidate[] several = [.. Enumerable.Range(0, one.Layer.Matrices).Select(i => Candidate(parts, images, rounding, $"w{i}"))];
            Assert.Equal(several.SelectMany(c => c.Codes), one.Codes);
            Assert.Equal(several.SelectMany(c => c.Scales), one.Scales);
            Assert.Equal(several.SelectMany(c => c.Dequantize()), one.Dequantize());
        }
    }

    /// <summary>Error feedback lowers the output error of these weights, as it does that of others.</summary>
    [Theory]
    [InlineData("lstm", "w")]
    [InlineData("lstm", "r")]
    [InlineData("bidirectional gru", "r")]
    [InlineData("gru before reset", "r")]
    [InlineData("last state", "r")]
    [InlineData("batch", "w")]
    public void FeedbackLowersTheOutputError(string kind, string weight)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 2));
        var graph = ConstantKinds.Of(kind).BuildGraph();
        var layer = LayerFinder.Find(graph).Layers.Single(l => l.Weight == weight);
        var inputs = InputMeasurement.Measure(graph, [layer], Work(images)).Single();
        Assert.True(inputs.RowCount > 0);
        var rows = new LayerRows(layer, TensorData.ReadSingles("", graph.Initializers[weight]));
        var products = new GramProducts(rows, inputs, new double[inputs.Gram.Count], 1);
        double Error(IRounding rounding) => Candidate(graph, images, rounding, weight) is var c
            ? new LayerErrors(products, new RoundedWeights(c.Codes, c.Scales)).OutputErrors().Sum()
            : 0;
        Assert.True(Error(new FeedbackRounding()) < 0.9 * Error(new NearestRounding()));
    }

    /// <summary>Where nothing shows what a weight is multiplied with, every rounding is to nearest, and needs no memory for it.</summary>
    [Theory]
    [InlineData("table", "w")]
    [InlineData("relative positions", "w")]
    public void UnknownInputsMeanNearest(string kind, string weight)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 1));
        var graph = ConstantKinds.Of(kind).BuildGraph();
        var (feedback, nearest) = (
            Candidate(graph, images, new FeedbackRounding(), weight), Candidate(graph, images, new NearestRounding(), weight));
        Assert.Equal(nearest.Codes, feedback.Codes);
        Assert.Equal(nearest.Scales, feedback.Scales);
        Assert.True(InputMeasurement.SizeBytes(feedback.Layer) < 4096);
    }

    private static Candidate Candidate(Graph graph, ImageSet images, IRounding rounding, string weight)
    {
        var layer = LayerFinder.Find(graph).Layers.Single(l => l.Weight == weight);
        return Assert.Single(CandidateMaker.Make(graph, [layer], [[3]], rounding, Work(images)).Items);
    }

    private static Workload Work(ImageSet images) => new(images, Preprocessing.Parse("unit"))
    {
        Resources = new() { Threads = 2, MemoryBytes = 1L << 32 },
        Cancellation = TestContext.Current.CancellationToken,
    };

    /// <summary>The first product of a network as products of slices.</summary>
    private static NetworkBuilder Parts(Graph graph, bool sharesRows)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        var product = graph.Nodes.First(n => n.Is("MatMul"));
        foreach (var node in graph.Nodes.TakeWhile(n => n != product))
        {
            net.Model.Graph.Node.Add(node.Clone());
        }
        var weight = graph.Initializers["w"];
        net.Model.Graph.Initializer.Add(graph.Initializers.Values.Where(t => t.Name == "axis").Select(t => t.Clone()));
        float[] values = TensorData.ReadSingles("", weight);
        long[] dims = [.. weight.Dims.TakeLast(2)];
        int size = (int)(dims[0] * dims[1]);
        bool isLeft = product.Input[0] == "w";
        var activation = isLeft ? product.Input[1] : product.Input[0];
        net.Model.Graph.Initializer.Add(TensorData.Integers("channels", [1], 1));
        for (int i = 0; i < values.Length / size; i++)
        {
            net.Model.Graph.Initializer.Add(TensorData.Singles($"w{i}", values.AsSpan(i * size, size).ToArray(), dims));
            net.Model.Graph.Initializer.Add(TensorData.Integers($"from{i}", [i], 1));
            net.Model.Graph.Initializer.Add(TensorData.Integers($"to{i}", [i + 1], 1));
            var own = activation;
            if (!sharesRows)
            {
                net.Add("Slice", [activation, $"from{i}", $"to{i}", "channels"], own = $"x{i}");
            }
            net.Add("MatMul", isLeft ? [$"w{i}", own] : [own, $"w{i}"], $"m{i}");
        }
        string[] made = [.. Enumerable.Range(0, values.Length / size).Select(i => $"m{i}")];
        return net.Add("Concat", made, "all", Attribute("axis", 1)).Then("Flatten", "flat");
    }

    private static (WeightMatrix Matrix, float[] Weights) Matrix(Graph graph, string weight) => (
        WeightMatrix.Of(LayerFinder.Find(graph).Layers.Single(l => l.Weight == weight)),
        TensorData.ReadSingles("", graph.Initializers[weight]));

    /// <summary>All rows of a weight, a block a group. Shape: [groups, panels, rows, 16].</summary>
    private static (float[] Packed, int Count) Rows(Graph graph, string weight)
    {
        var layer = LayerFinder.Find(graph).Layers.Single(l => l.Weight == weight);
        var (node, matrix) = (graph.Nodes[layer.Nodes[0]], WeightMatrix.Of(layer));
        var (values, shape) = Run(graph, InputRows.Tensor(node, layer)!);
        var rows = InputRows.Of(graph, node, layer, shape);
        var packed = new float[matrix.Groups * rows.Count * GramSum.PackedWidth(matrix.Columns)];
        rows.Pack(values, [.. Enumerable.Range(0, rows.Count)], packed);
        return (packed, rows.Count);
    }

    private static double Dot((WeightMatrix Matrix, float[] Weights) own, int group, int row, (float[] Packed, int Count) rows, int at)
    {
        var weights = own.Matrix.Row(own.Weights, group, row);
        int block = group * rows.Count * GramSum.PackedWidth(own.Matrix.Columns);
        return weights.Select((w, k) => (double)w * rows.Packed[block + (((k / 16 * rows.Count) + at) * 16) + (k % 16)]).Sum();
    }

    private static (float[] Values, long[] Shape) Run(Graph graph, string tensor)
    {
        long[] shape = [Images, .. graph.Tensors[graph.Input].Shape.Skip(1)];
        var random = new Random(4);
        float[] pixels = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.5f)];
        using var image = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var session = new GraphSession(GraphPart.Extract(graph, new HashSet<string> { graph.Input }, [tensor]), "t");
        using var values = session.Run(_ => image);
        return (values[0].GetTensorDataAsSpan<float>().ToArray(), values[0].GetTensorTypeAndShape().Shape);
    }
}
