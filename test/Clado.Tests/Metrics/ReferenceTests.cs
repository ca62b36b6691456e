using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Metrics;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Metrics;

/// <summary>Every metric beside what its definition gives, computed slowly and directly in double precision.</summary>
public class ReferenceTests
{
    // Single precision of gradients, over sums of hundreds.
    private const double Relative = 1e-4;

    [Fact]
    public void ErrorsOfWeightsAreThoseOfTheirDifferences()
    {
        using var net = new TinyNetwork();
        double[] errors = Scores(new WeightErrorMetric(), net), relative = Scores(new RelativeErrorMetric(), net);
        foreach (var (row, candidate) in net.Context.Candidates.Index())
        {
            double[] weights = WeightsOf(net, row);
            double expected = net.WeightsOf(candidate).Zip(weights, (q, w) => (q - w) * (q - w)).Sum();
            Close(expected, errors[row], Relative);
            Close(expected / weights.Sum(w => w * w), relative[row], Relative);
        }
    }

    [Fact]
    public void MixQuantRaisesTheLayerWhoseErrorIsTheLargestMultiple()
    {
        using var net = new TinyNetwork();
        int[] order = Assert.Single(new MixQuantMetric().Measure(net.Context).Orders);
        double[] errors = [.. net.Context.Candidates.Select(c => c.SquaredError)];
        int widths = errors.Length / 2;
        var at = new int[2];
        double Multiple(int layer) =>
            at[layer] == widths - 1 ? 0 : errors[(layer * widths) + at[layer]] / errors[((layer + 1) * widths) - 1];
        Assert.Equal(2 * (widths - 1), order.Length);
        foreach (int layer in order)
        {
            Assert.True(Multiple(layer) >= Multiple(1 - layer));
            at[layer]++;
        }
    }

    [Fact]
    public void RandomOrdersHaveEveryStepOnce()
    {
        using var net = new TinyNetwork();
        var orders = new RandomMetric().Measure(net.Context).Orders;
        Assert.Equal(RandomMetric.Draws, orders.Count);
        Assert.All(orders, order => Assert.Equal([0, 0, 0, 1, 1, 1], order.Order()));
        Assert.True(orders.Select(order => string.Join(' ', order)).Distinct().Count() > 1);
    }

    [Fact]
    public void FisherTracesAreMeansOfSquaredGradientsOfSingleImages()
    {
        using var net = new TinyNetwork();
        double[] found = FitMetric.Traces(net.Context), scores = Scores(new FitMetric(), net);
        double[][][] gradients = [.. net.Images.Select((x, i) => net.Gradients(x, net.Labels[i]))];
        for (int layer = 0; layer < 2; layer++)
        {
            Close(gradients.Average(own => own[layer].Sum(g => g * g)), found[layer], Relative);
        }
        foreach (var (row, candidate) in net.Context.Candidates.Index())
        {
            Close(found[net.Context.LayerOf[row]] / candidate.Layer.Parameters * candidate.SquaredError, scores[row], Relative);
        }
    }

    [Fact]
    public void MpqcoIsHalfTheMeanSquareOfGradientsTimesChanges()
    {
        using var net = new TinyNetwork();
        double[] scores = Scores(new MpqcoMetric(), net);
        double[][][] gradients = [.. net.Images.Select((x, i) => net.Gradients(x, net.Labels[i]))];
        foreach (var (row, candidate) in net.Context.Candidates.Index())
        {
            double[] change = [.. net.WeightsOf(candidate).Zip(WeightsOf(net, row), (q, w) => q - w)];
            double expected = gradients.Average(own =>
                Math.Pow(own[net.Context.LayerOf[row]].Zip(change, (g, d) => g * d).Sum(), 2)) / 2;
            Close(expected, scores[row], 1e-3);
        }
    }

    [Fact]
    public void BlocksWeighTheirOutputsErrorsBySquaredGradients()
    {
        using var net = new TinyNetwork();
        double[] scores = Scores(new BrecqMetric(), net);
        foreach (var (row, candidate) in net.Context.Candidates.Index())
        {
            double[] weights = net.WeightsOf(candidate);
            double expected = net.Images.Select((x, i) =>
            {
                var (a, z) = TinyNetwork.Outputs(x, net.W1, net.W2);
                var (slopeA, slopeZ) = net.Slopes(x, net.Labels[i]);
                bool isFirst = net.Context.LayerOf[row] == 0;
                double[] change = isFirst
                    ? [.. TinyNetwork.Outputs(x, weights, net.W2).A.Zip(a, (rounded, own) => rounded - own)]
                    : [.. TinyNetwork.Outputs(x, net.W1, weights).Z.Zip(z, (rounded, own) => rounded - own)];
                return (isFirst ? slopeA : slopeZ).Zip(change, (slope, d) => slope * slope * d * d).Sum() / 2;
            }).Average();
            Close(expected, scores[row], 1e-3);
        }
    }

    /// <summary>Layers of one residual block interact, and no others; together they are a sum of squares.</summary>
    [Fact]
    public void PairsOfABlockAreASumOfSquares()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3, 24, 24]);
        foreach (string name in (string[])["w1", "w2"])
        {
            net.Weight(name, 3, 3, 3, 3);
        }
        net.Weight("w3", 8, 3);
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        net.Then("Conv", "a", ["w1"], pads).Then("Relu", "r").Then("Conv", "b", ["w2"], pads).Add("Add", ["b", "x"], "s");
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "z", ["w3"], NodeExtensions.Attribute("transB", 1));
        var graph = net.BuildGraph();
        var work = new Workload(ImageFolder.Open(Harness.Images(folder, "images", 1)), Preprocessing.Parse("unit"));
        using var records = new RecordStore();
        var context = new MetricContext(
            new MeasurementInputs(graph, Harness.Candidates(graph, 2, 4), work), new SensitivityOptions(), records);
        double[] matrix = new BrecqMetric().Measure(context).Matrix!;
        double Entry(int a, int b) => matrix[(a * 6) + b];
        for (int a = 0; a < 6; a++)
        {
            for (int b = 0; b < a; b++)
            {
                Assert.Equal(Entry(a, b), Entry(b, a));
                Assert.Equal(a < 4 && a / 2 != b / 2, Entry(a, b) != 0);
                // Cauchy and Schwarz.
                Assert.True(Entry(a, b) * Entry(a, b) <= Entry(a, a) * Entry(b, b) * 1.0001);
            }
        }
    }

    /// <summary>The blocks of a transformer are found from its graph: attention and perceptron, each with all of its layers.</summary>
    [Fact]
    public void BlocksOfATransformerAreItsAttentionAndItsPerceptron()
    {
        var graph = Graph.Read(Path.Combine(Repository.Root, "samples/vit.onnx"));
        var layers = LayerFinder.Find(graph).Layers;
        var ends = layers.Select(layer => layer.Name.Split('/')).Zip(Blocks.EndsOf(graph, layers)).Where(own => own.First[1] == "blocks");
        var blocks = ends.GroupBy(own => string.Join('/', own.First[2..4]), own => own.Second).ToArray();
        Assert.Equal(8, blocks.Length);
        Assert.All(blocks, block => Assert.NotNull(Assert.Single(block.Distinct())));
        Assert.All(blocks, block => Assert.Equal(2, block.Count()));
        Assert.Equal(8, blocks.Select(block => block.First()).Distinct().Count());
    }

    /// <summary>Of a drawn vector v, E[(Jᵀ v)²] is the curvature's diagonal: on average over many draws, as many as images.</summary>
    [Fact]
    public void WithoutLabelsFisherTracesAreThoseOfTheNetworksOwnDistribution()
    {
        using var net = new TinyNetwork(labelled: false);
        double[] found = FitMetric.Traces(net.Context);
        double[][][][] gradients = [.. net.Images.Select(x =>
            Enumerable.Range(0, 8).Select(label => net.Gradients(x, label)).ToArray())];
        double[][] shares = [.. net.Images.Select(x => TinyNetwork.Softmax(TinyNetwork.Outputs(x, net.W1, net.W2).Z))];
        for (int layer = 0; layer < 2; layer++)
        {
            double expected = gradients.Select((own, i) => own.Select((g, c) => shares[i][c] * g[layer].Sum(v => v * v)).Sum()).Average();
            // 24 draws, one an image.
            Close(expected, found[layer], 0.35);
        }
    }

    [Fact]
    public void TracesAreThoseOfTheHessian()
    {
        using var net = new TinyNetwork();
        using var curvature = new LossCurvature(net.Context, net.Context.Images(HessianTrace.Images));
        for (int layer = 0; layer < 2; layer++)
        {
            double expected = Enumerable.Range(0, layer == 0 ? net.W1.Length : net.W2.Length).Sum(k => Second(net, layer, k, k));
            // The standard error of 200 probes is a few percent.
            Close(expected, HessianTrace.Measure(net.Context, curvature, layer, probes: 200), 0.1);
        }
    }

    [Fact]
    public void TheLargestEigenvalueIsThatOfTheHessian()
    {
        using var net = new TinyNetwork();
        int n = net.W2.Length;
        var hessian = new double[n, n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                hessian[a, b] = hessian[b, a] = Second(net, 1, a, b);
            }
        }
        double[] vector = [.. Enumerable.Range(0, n).Select(i => 1.0 + (i % 3))];
        double value = 0;
        for (int i = 0; i < 500; i++)
        {
            double[] product = [.. Enumerable.Range(0, n).Select(a => Enumerable.Range(0, n).Sum(b => hessian[a, b] * vector[b]))];
            value = Math.Sqrt(product.Sum(p => p * p));
            vector = [.. product.Select(p => p / value)];
        }
        Close(value, HawqEigenvalueMetric.Eigenvalues(net.Context, iterations: 40)[1], 0.03);
    }

    [Fact]
    public void OrthogonalityIsTheCenteredKernelAlignment()
    {
        using var net = new TinyNetwork();
        double[][] found = OmpqMetric.Likeness(net.Context);
        var outputs = net.Images.Select(x => TinyNetwork.Outputs(x, net.W1, net.W2)).ToArray();
        double[][][] layers = [Centred([.. outputs.Select(o => o.A)]), Centred([.. outputs.Select(o => o.Z)])];
        double Norm(double[][] a, double[][] b) => Enumerable.Range(0, a[0].Length).Sum(i => Enumerable.Range(0, b[0].Length).Sum(j =>
            Math.Pow(a.Zip(b, (own, other) => own[i] * other[j]).Sum(), 2)));
        for (int i = 0; i < 2; i++)
        {
            for (int j = 0; j < 2; j++)
            {
                double expected = Norm(layers[i], layers[j]) / Math.Sqrt(Norm(layers[i], layers[i]) * Norm(layers[j], layers[j]));
                Close(expected, found[i][j], Relative);
            }
        }
        double[] scores = Scores(new OmpqMetric(), net);
        Close(6 * Math.Exp(-10 * found[0][1]), scores[0], Relative);
    }

    [Fact]
    public void SeparabilityIsTfIdfOfChannelsInClasses()
    {
        using var net = new TinyNetwork();
        double[] found = CsmpqMetric.Separability(net.Context);
        var outputs = net.Images.Select(x => TinyNetwork.Outputs(x, net.W1, net.W2)).ToArray();
        for (int layer = 0; layer < 2; layer++)
        {
            double[][] rows = [.. outputs.Select(own => layer == 0 ? own.A : own.Z)];
            int channels = rows[0].Length;
            var means = new double[8, channels];
            for (int c = 0; c < 8; c++)
            {
                for (int k = 0; k < channels; k++)
                {
                    means[c, k] = Enumerable.Range(0, 24).Where(i => net.Labels[i] == c).Average(i => Math.Abs(rows[i][k]));
                }
            }
            double sum = 0;
            for (int c = 0; c < 8; c++)
            {
                double all = Enumerable.Range(0, channels).Sum(k => means[c, k]);
                for (int k = 0; k < channels; k++)
                {
                    double mean = Enumerable.Range(0, 8).Average(d => means[d, k]);
                    int above = Enumerable.Range(0, 8).Count(d => means[d, k] > mean);
                    sum += means[c, k] / all * Math.Log(8.0 / Math.Max(1, above)) / 8;
                }
            }
            Close(sum, found[layer], Relative);
        }
    }

    [Fact]
    public void DivergencesAreThoseOfDistributions()
    {
        using var net = new TinyNetwork();
        double[] kl = Scores(new DivergenceMetric(), net), zeroq = Scores(new ZeroQMetric(), net);
        var diagonal = Scores(MetricRegistry.All.Single(metric => metric.Name == "diagonal"), net);
        var noise = DistilledImages.Noise(net.Graph, net.Context.Inputs.Work.Preprocessing, ZeroQMetric.Images);
        double[][] random = [.. noise.Pixels.Chunk(noise.Pixels.Length / noise.Count).Select(own => own.Select(p => (double)p).ToArray())];
        foreach (var (row, candidate) in net.Context.Candidates.Index())
        {
            double[] weights = net.WeightsOf(candidate);
            double Divergence(double[] x)
            {
                double[] p = TinyNetwork.Softmax(TinyNetwork.Outputs(x, net.W1, net.W2).Z);
                bool isFirst = net.Context.LayerOf[row] == 0;
                double[] q = TinyNetwork.Softmax(TinyNetwork.Outputs(x, isFirst ? weights : net.W1, isFirst ? net.W2 : weights).Z);
                return p.Zip(q, (own, other) => own * Math.Log(own / other)).Sum();
            }

            Close(net.Images.Average(Divergence), kl[row], 1e-2);
            Close(kl[row], diagonal[row], 1e-9);
            Close(random.Average(Divergence), zeroq[row], 1e-2);
        }
    }

    private static double[] Scores(IMetric metric, TinyNetwork net)
    {
        double[] matrix = metric.Measure(net.Context).Matrix!;
        int n = net.Context.Candidates.Count;
        return [.. Enumerable.Range(0, n).Select(row => matrix[row * (n + 1)] / 2)];
    }

    private static double[] WeightsOf(TinyNetwork net, int row) => net.Context.LayerOf[row] == 0 ? net.W1 : net.W2;

    private static double[][] Centred(double[][] rows)
    {
        double[] means = [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Average(row => row[i]))];
        return [.. rows.Select(row => row.Zip(means, (value, mean) => value - mean).ToArray())];
    }

    /// <summary>A second derivative of the mean cross-entropy by two weights of a layer, by differences.</summary>
    private static double Second(TinyNetwork net, int layer, int a, int b)
    {
        const double Step = 1e-4;
        double Loss(double first, double second)
        {
            double[] weights = [.. layer == 0 ? net.W1 : net.W2];
            weights[a] += first;
            weights[b] += second;
            return layer == 0 ? net.Loss(weights, net.W2) : net.Loss(net.W1, weights);
        }

        return (Loss(Step, Step) - Loss(Step, -Step) - Loss(-Step, Step) + Loss(-Step, -Step)) / (4 * Step * Step);
    }

    private static void Close(double expected, double found, double relative) =>
        Assert.True(Math.Abs(expected - found) <= relative * Math.Abs(expected), $"{expected} expected, {found} found");
}
