using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

public class SensitivityTests
{
    // Outputs are single precision and pass through differently fused kernels; a cross term is a difference of losses near 1.
    private const double SinglePrecision = 1e-5;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    public void PairwiseEqualsTheNaiveReference(string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        foreach (var graph in (Graph[])[Residual(), SharedAndParallel()])
        {
            var candidates = Harness.Candidates(graph, 2, 3);
            // Of the float network, and around the network with every layer at its first width but the second, which has its other.
            foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => (2 * layer) + (layer == 1 ? 1 : 0))]])
            {
                var matrix = Measure(graph, candidates, images, "pairwise", loss, at: at).Raw;
                var naive = NaiveSensitivity.Measure(graph, candidates, images, Unit, loss, at);
                double scale = naive.Max(Math.Abs);
                for (int i = 0; i < matrix.Length; i++)
                {
                    double tolerance = SinglePrecision * Math.Max(scale, Math.Abs(naive[i]));
                    Assert.True(Math.Abs(matrix[i] - naive[i]) <= tolerance, $"entry {i}: {matrix[i]} against {naive[i]}");
                }
                Assert.All(at, row => Assert.Equal(0, matrix[row * (candidates.Items.Count + 1)], SinglePrecision));
            }
        }
    }

    [Fact]
    public void BlockIsPairwiseInsideBlocksAndZeroBetweenThem()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var graph = SharedAndParallel();
        var candidates = Harness.Candidates(graph, 2, 3);
        int[] blocks = Blocks.Of(graph, candidates.Layers);
        Assert.InRange(blocks.Distinct().Count(), 2, candidates.Layers.Count - 1);
        var (block, pairwise) = (Measure(graph, candidates, images, "block", "kl"), Measure(graph, candidates, images, "pairwise", "kl"));
        int n = candidates.Items.Count;
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b < n; b++)
            {
                bool together = blocks[candidates.LayerOf[a]] == blocks[candidates.LayerOf[b]];
                Assert.Equal(together ? pairwise.Raw[(a * n) + b] : 0, block.Raw[(a * n) + b]);
            }
        }
    }

    [Fact]
    public void OnAQuadraticLossThePredictionIsTheLossItself()
    {
        // y = W1 x + W2 x is linear in the weights, the squared loss quadratic in y: the expansion has no remainder, and δ add up exactly.
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("w1", 4, 3, 3, 3);
        net.Weight("w2", 4, 3, 3, 3);
        var graph = net.Add("Conv", ["x", "w1"], "a").Add("Conv", ["x", "w2"], "b").Add("Add", ["a", "b"], "y").BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 3, 4);
        var pairwise = Measure(graph, candidates, images, "pairwise", "mse");
        var additive = Measure(graph, candidates, images, "additive", "mse");
        var diagonal = Measure(graph, candidates, images, "diagonal", "mse");
        double Increase(params Candidate[] perturbed) => NaiveSensitivity.Increase(graph, perturbed, images, Unit, "mse");
        for (int a = 0; a < 3; a++)
        {
            for (int b = 3; b < 6; b++)
            {
                double joint = Increase(candidates.Items[a], candidates.Items[b]);
                foreach (var matrix in (SensitivityMatrix[])[pairwise, additive])
                {
                    double predicted = matrix.Raw[(a * 6) + a] + matrix.Raw[(b * 6) + b] + (2 * matrix.Raw[(a * 6) + b]);
                    Assert.Equal(2 * joint, predicted, SinglePrecision * joint);
                }
                Assert.Equal(2 * Increase(candidates.Items[a]), diagonal.Raw[(a * 6) + a], SinglePrecision * joint);
                Assert.Equal(0, diagonal.Raw[(a * 6) + b]);
            }
        }
    }

    [Theory]
    [InlineData("additive")]
    [InlineData("pairwise")]
    [InlineData("fisher")]
    public void NeitherThreadsNorInterruptionsNorBatchesOfRecordsChangeABit(string estimator)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 12));
        var graph = Residual();
        var candidates = Harness.Candidates(graph, 2, 4);
        var expected = Measure(graph, candidates, images, estimator, "kl", threads: 1);
        Assert.Equal(expected.Raw, Measure(graph, candidates, images, estimator, "kl", threads: 3).Raw);
        var random = new Random(5);
        for (int attempt = 0; attempt < 5; attempt++)
        {
            var path = folder[$"records-{attempt}.sqlite"];
            double stop = random.NextDouble();
            using (var records = new RecordStore(path))
            using (var source = new CancellationTokenSource())
            {
                var progress = new Synchronous(share => { if (share > stop) { source.Cancel(); } });
                var options = new SensitivityOptions { Estimator = estimator, Loss = "kl" };
                var work = new Workload(images, Unit)
                {
                    Resources = new() { Threads = 2 },
                    Progress = progress,
                    Cancellation = source.Token,
                };
                Assert.ThrowsAny<OperationCanceledException>(() =>
                {
                    SensitivityMeasurement.Measure(new(graph, candidates, work), [], options, records);
                    source.Token.ThrowIfCancellationRequested();
                });
            }
            using var again = new RecordStore(path);
            var resumed = SensitivityMeasurement.Measure(
                new(graph, candidates, new Workload(images, Unit)), [], new() { Estimator = estimator, Loss = "kl" }, again);
            Assert.Equal(expected.Raw, resumed.Raw);
        }
    }

    [Theory]
    [InlineData("additive", "kl")]
    [InlineData("pairwise", "kl")]
    [InlineData("additive", "mse")]
    [InlineData("fisher", "kl")]
    public void LittleMemoryChangesTheWorkAndNotTheResult(string estimator, string loss)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 5));
        var graph = Residual();
        var candidates = Harness.Candidates(graph, 2, 4);
        var scales = Harness.Scales(graph, images);
        SensitivityMatrix Measure(long memory, int? batchSize = null)
        {
            using var records = new RecordStore();
            var work = new Workload(images, Unit) { Resources = new() { MemoryBytes = memory } };
            var inputs = new MeasurementInputs(graph, candidates, work) { Scales = scales, BatchSize = batchSize };
            return SensitivityMeasurement.Measure(inputs, [], new() { Estimator = estimator, Loss = loss }, records);
        }

        // What the error says is needed is enough, and makes sessions anew for every layer.
        long Needed(int? batchSize) => MemoryError.NeededBytes(Assert.Throws<CladoException>(() => Measure(1 << 20, batchSize)).Message);
        var (tight, roomy) = (Measure(Needed(null)), Measure(8L << 30));
        double scale = roomy.Raw.Max(Math.Abs);
        Assert.All(roomy.Raw.Zip(tight.Raw), pair => Assert.Equal(pair.First, pair.Second, SinglePrecision * scale));
        // In batches of the same size, not a bit changes.
        Assert.Equal(Measure(8L << 30, 7).Raw, Measure(Needed(7), 7).Raw);
    }

    [Fact]
    public void StandardErrorsAreThoseOfTheImagesOneByOne()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var graph = Residual();
        var candidates = Harness.Candidates(graph, 2, 3);
        foreach (string estimator in (string[])["pairwise", "additive", "diagonal", "fisher"])
        {
            var all = Measure(graph, candidates, images, estimator, "kl");
            double[] Single(ImageItem item) => Measure(graph, candidates, new ImageSet(images.Folder, [item]), estimator, "kl").Raw;
            var each = images.Items.Select(Single).ToArray();
            for (int i = 0; i < all.Raw.Length; i++)
            {
                double mean = each.Average(m => m[i]);
                double deviation = Math.Sqrt(each.Sum(m => (m[i] - mean) * (m[i] - mean)) / (each.Length - 1));
                Assert.Equal(mean, all.Raw[i], 1e-5 * (1 + Math.Abs(mean)));
                Assert.Equal(deviation / Math.Sqrt(each.Length), all.StandardErrors[i], 1e-5 * (1 + deviation));
                Assert.InRange(all.Reliability(i), 0, 1);
            }
        }
    }

    [Fact]
    public void ProjectionIsTheNearestSemidefiniteMatrix()
    {
        // 3 and -1 with eigenvectors (1, 1) and (1, -1): dropping -1 leaves 3/2 everywhere.
        var (projected, eigenvalues) = SpectralProjection.Project([1, 2, 2, 1], 2);
        Assert.Equal([-1, 3], eigenvalues.Select(e => Math.Round(e, 12)));
        Assert.All(projected, p => Assert.Equal(1.5, p, 1e-12));
        double[] semidefinite = [2, 1, 1, 2];
        Assert.Equal(semidefinite, SpectralProjection.Project(semidefinite, 2).Projected);
    }

    [Fact]
    public void LossesThatDoNotFitAreErrors()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var flat = new ImageSet(images.Folder, [.. images.Items.Select(i => i with { Label = null })]);
        var graph = Residual();
        var candidates = Harness.Candidates(graph, 2);
        var unlabelled = Assert.Throws<CladoException>(() => Measure(graph, candidates, flat, "diagonal", "ce"));
        Assert.Contains("labels", unlabelled.Message, StringComparison.Ordinal);
        var map = new NetworkBuilder(input: [3, 24, 24]);
        map.Weight("w", 4, 3, 3, 3);
        var dense = map.Then("Conv", "y", ["w"]).BuildGraph();
        var noClassifier = Assert.Throws<CladoException>(() => Measure(dense, Harness.Candidates(dense, 2), images, "diagonal", "kl"));
        Assert.Contains($"{Settings.Loss} mse", noClassifier.Message, StringComparison.Ordinal);
    }

    private static SensitivityMatrix Measure(
        Graph graph, CandidateSet candidates, ImageSet images, string estimator, string loss, int threads = 2, int[]? at = null)
    {
        using var records = new RecordStore();
        var inputs = new MeasurementInputs(graph, candidates, new Workload(images, Unit) { Resources = new() { Threads = threads } })
        {
            Scales = loss == "mse" ? Harness.Scales(graph, images) : null,
        };
        return SensitivityMeasurement.Measure(inputs, at ?? [], new() { Estimator = estimator, Loss = loss }, records);
    }

    private static Graph Residual()
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8);
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[2].DimValue = 24;
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[3].DimValue = 24;
        return net.BuildGraph();
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
        net.Then("GlobalAveragePool", "g").Then("Flatten", "f").Then("MatMul", "y", ["h"]);
        return net.BuildGraph();
    }

    private sealed class Synchronous(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
