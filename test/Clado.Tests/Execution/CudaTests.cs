using Clado.Candidates;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Execution;

/// <summary>
/// What a GPU measures against what the processor does. Skipped, visibly, where there is no GPU or the build is without CUDA.
/// </summary>
public class CudaTests
{
    // Of the diagonal: sums of single precision in another order (test/Clado.Benchmarks/results/scale.md has what was seen). A gradient
    // passes a Relu whose input is zero but for rounding on the one and not on the other: weights that change by 5e-7 change it as much.
    private const double Tolerance = 1e-3, GradientTolerance = 1e-2;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    public CudaTests() => Assert.SkipUnless(CudaDevice.Missing is null, CudaDevice.Missing ?? "");

    [Theory]
    [InlineData("additive", "kl")]
    [InlineData("additive", "mse")]
    [InlineData("fisher", "kl")]
    [InlineData("pairwise", "kl")]
    [InlineData("pairwise", "ce")]
    [InlineData("diagonal", "kl")]
    public void SensitivitiesAreTheProcessors(string estimator, string loss)
    {
        double tolerance = estimator == "fisher" ? GradientTolerance : Tolerance;
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph(), Attention()])
        {
            var candidates = Harness.Candidates(graph, 2, 4);
            // Of the float network, and around all layers at their first width.
            foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => 2 * layer)]])
            {
                var cpu = Measure(graph, candidates, images, Provider.Cpu, estimator, loss, at).Raw;
                var cuda = Measure(graph, candidates, images, Provider.Cuda, estimator, loss, at).Raw;
                int n = candidates.Items.Count;
                double scale = Enumerable.Range(0, n).Max(row => Math.Abs(cpu[row * (n + 1)]));
                Assert.All(cpu.Zip(cuda), pair => Assert.Equal(pair.First, pair.Second, tolerance * scale));
            }
        }
    }

    [Theory]
    [InlineData("additive")]
    [InlineData("fisher")]
    [InlineData("pairwise")]
    public void TheSameDeviceGivesTheSameBits(string estimator)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 4));
        foreach (var graph in (Graph[])[NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph(), Attention()])
        {
            var candidates = Harness.Candidates(graph, 2, 3, 4);
            var first = Measure(graph, candidates, images, Provider.Cuda, estimator, "kl", threads: 1);
            foreach (int threads in (int[])[1, 2, 8])
            {
                Assert.Equal(first.Raw, Measure(graph, candidates, images, Provider.Cuda, estimator, "kl", threads: threads).Raw);
            }
        }
    }

    [Fact]
    public void LossesOfChoicesAreTheProcessors()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4);
        int[][] choices =
            [.. Enumerable.Range(0, 2).Select(width => candidates.Layers.Select((_, layer) => (2 * layer) + width).ToArray())];
        double[][] Of(Provider provider)
        {
            using var records = new RecordStore();
            return JointLoss.Measure(
                new(graph, candidates, new Workload(images, Unit) { Provider = provider }), choices, "kl", records);
        }

        var (cpu, cuda) = (Of(Provider.Cpu), Of(Provider.Cuda));
        Assert.All(cpu.Zip(cuda), pair => Assert.Equal(pair.First.Average(), pair.Second.Average(), Tolerance * pair.First.Average()));
    }

    /// <summary>Cuts stay where the next session takes them; what is read of the network comes to the processor.</summary>
    [Fact]
    public void CutsStayOnTheDevice()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var cuts = new NetworkCuts(graph, Harness.Candidates(graph, 4).Layers, Readout.Of(graph));
        using var network = new PerturbedNetwork(
            graph, cuts, OutputSource.Float("test.onnx"), new MemoryPlan(1L << 30, IsTight: false), Provider.Cuda);
        var batch = new Workload(images, Unit).Batches(graph, 8).Load(0);
        using var state = network.Run(batch);
        var kept = cuts.Taps.Except(cuts.Readout.Outputs).ToArray();
        Assert.NotEmpty(kept);
        Assert.All(kept, name => Assert.Equal("Cuda", state.Find(name)!.GetTensorMemoryInfo().Name));
        Assert.All(cuts.Readout.Outputs, name => Assert.Equal("Cpu", state.Find(name)!.GetTensorMemoryInfo().Name));
    }

    /// <summary>Candidates are made on the processor, so the same bits are the same file.</summary>
    [Fact]
    public void OfResNet20TheChoiceAndTheFileAreTheProcessors()
    {
        using var folder = new TemporaryFolder();
        string Written(Provider provider)
        {
            var run = Pipeline.Measure(new PipelineOptions
            {
                Model = SharedFiles.Require("models/resnet20_cifar10.onnx"),
                Images = SharedFiles.Require("data/cifar10/calibration"),
                Limit = 128,
                Bits = [2, 4, 8],
                Estimator = "additive",
                Provider = provider,
                Run = folder[$"{provider}"],
            });
            run.Deploy(run.Allocate("3bit"), folder[$"{provider}.onnx"]).Commit();
            return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(folder[$"{provider}.onnx"])));
        }

        Assert.Equal(Written(Provider.Cpu), Written(Provider.Cuda));
        Assert.Contains("\"provider\": \"cuda\"", File.ReadAllText(folder["Cuda/run.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void TimesAreTakenThere()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["model.onnx"]);
        var times = Evaluator.MeasureLatency(
            [folder["model.onnx"]], threads: 1, provider: Provider.Cuda, cancellation: TestContext.Current.CancellationToken);
        Assert.InRange(Assert.Single(times), double.Epsilon, double.MaxValue);
    }

    private static SensitivityMatrix Measure(
        Graph graph, CandidateSet candidates, ImageSet images, Provider provider, string estimator, string loss, int[]? at = null,
        int threads = 2)
    {
        using var records = new RecordStore();
        var work = new Workload(images, Unit) { Provider = provider, Resources = new() { Threads = threads } };
        var inputs = new MeasurementInputs(graph, candidates, work)
        {
            Scales = loss == "mse" ? Harness.Scales(graph, images) : null,
        };
        return SensitivityMeasurement.Measure(inputs, at ?? [], new() { Estimator = estimator, Loss = loss }, records);
    }

    /// <summary>Patches, products of activations, softmax and a normalization: what a transformer is made of.</summary>
    private static Graph Attention()
    {
        const int Width = 16;
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("patches", Width, 3, 8, 8);
        net.Then("Conv", "places", ["patches"], NodeExtensions.Attribute("strides", 8, 8));
        net.Model.Graph.Initializer.Add(TensorData.Integers("rows", [0, Width, -1], 3));
        net.Then("Reshape", "columns", ["rows"]);
        net.Then("Transpose", "tokens", [], NodeExtensions.Attribute("perm", 0, 2, 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("gain", Enumerable.Repeat(1f, Width).ToArray(), Width));
        net.Then("LayerNormalization", "normal", ["gain"]);
        foreach (var name in (string[])["query", "key", "value"])
        {
            net.Weight($"{name}.weight", Width, Width);
            net.Add("MatMul", ["normal", $"{name}.weight"], name);
        }
        net.Add("Transpose", ["key"], "keys", NodeExtensions.Attribute("perm", 0, 2, 1));
        net.Add("MatMul", ["query", "keys"], "products");
        net.Then("Softmax", "shares");
        net.Add("MatMul", ["shares", "value"], "attended");
        net.Add("Add", ["attended", "tokens"], "sum");
        net.Then("Gelu", "active");
        net.Model.Graph.Initializer.Add(TensorData.Integers("axis", [1], 1));
        net.Then("ReduceMean", "mean", ["axis"], NodeExtensions.Attribute("keepdims", 0));
        net.Weight("head", Width, 8);
        return net.Then("MatMul", "scores", ["head"]).BuildGraph();
    }
}
