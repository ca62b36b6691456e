using System.Diagnostics;
using System.Globalization;
using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>
/// The same measurement on a GPU and on the processor: times by the clock, how busy the GPU is, and how well the two agree. A network by
/// name, or <c>resnet50</c>, which is made; then images, widths, and estimators, of which those with a <c>!</c> are left to the GPU.
/// </summary>
internal static class CudaBenchmark
{
    private const int Repeats = 3;

    private static readonly Dictionary<string, (string Images, string Preprocess)> Networks = new()
    {
        ["resnet20_cifar10"] = ("cifar10/calibration", "imagenet"),
        ["vit_cifar10"] = ("cifar10/calibration", "cifar10"),
        ["mobilenetv2_imagenet"] = ("imagenet-sample/calibration", "tf"),
    };

    /// <summary>Runs estimators on a network.</summary>
    public static int Run(string name, int images, string widths, string[] estimators)
    {
        var work = Open(name, images);
        var graph = work.Graph;
        var layers = LayerFinder.Find(graph).Layers;
        IReadOnlyList<int> bits = [.. widths.Split(',').Select(width => int.Parse(width, CultureInfo.InvariantCulture))];
        var candidates = CandidateMaker.Make(
            graph, layers, [.. layers.Select(_ => bits)], new NearestRounding(), null, Environment.ProcessorCount);
        double cpuPass = FullPass(work, Provider.Cpu), cudaPass = FullPass(work, Provider.Cuda);
        Console.WriteLine(Invariant($"\n### {name}, {work.Set.Items.Count} images, {layers.Count} layers at {widths} bits; full pass: ")
            + Invariant($"CPU {cpuPass:0.000} s, CUDA {cudaPass:0.0000} s, {cpuPass / cudaPass:0.0} times\n\n")
            + "| estimator | passes' worth of MACs | CPU s | CUDA s | again | times | busy | memory, MiB | efficiency CPU | CUDA "
            + "| same bits | diagonal | cross terms | same choice |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var estimator in estimators)
        {
            Row(work, candidates, estimator.TrimEnd('!'), !estimator.EndsWith('!'), (cpuPass, cudaPass));
        }
        return 0;
    }

    /// <summary>One estimator with several numbers of passes side by side.</summary>
    public static int Threads(string name, int images, string width)
    {
        var work = Open(name, images);
        var layers = LayerFinder.Find(work.Graph).Layers;
        IReadOnlyList<int> bits = [int.Parse(width, CultureInfo.InvariantCulture)];
        var candidates = CandidateMaker.Make(
            work.Graph, layers, [.. layers.Select(_ => bits)], new NearestRounding(), null, Environment.ProcessorCount);
        foreach (int threads in (int[])[1, 1, 2, 4, 8])
        {
            var (seconds, busy, memory) = Watched(() => Measure(work, candidates, "additive", Provider.Cuda, threads));
            Console.WriteLine(Invariant($"{name}, additive, {threads} side by side: {seconds:0.00} s, busy {busy:0} %, {memory:0} MiB"));
        }
        return 0;
    }

    private static void Row(Job work, CandidateSet candidates, string estimator, bool onCpu, (double Cpu, double Cuda) pass)
    {
        double worth = MeasuringBenchmark.Passes(work.Graph, candidates, work.Set, work.Preprocessing, estimator);
        SensitivityMatrix? cuda = null, again = null, cpu = null;
        var (first, _, _) = Watched(() => cuda = Measure(work, candidates, estimator, Provider.Cuda));
        var (second, busy, memory) = Watched(() => again = Measure(work, candidates, estimator, Provider.Cuda));
        double slow = onCpu ? Seconds(() => cpu = Measure(work, candidates, estimator, Provider.Cpu)) : double.NaN;
        var (diagonal, cross) = cpu is null ? (double.NaN, double.NaN) : Differences(cpu, cuda!);
        Console.WriteLine(Invariant($"| {estimator} | {worth:0.0} | {slow:0.0} | {first:0.00} | {second:0.00} | {slow / second:0.0} ")
            + Invariant($"| {busy:0} % | {memory:0} | {worth * pass.Cpu / slow:0.00} | {worth * pass.Cuda / second:0.00} ")
            + $"| {(cuda!.Raw.SequenceEqual(again!.Raw) ? "yes" : "NO")} | {Invariant($"{diagonal:0.0e+0} | {cross:0.0e+0}")} "
            + $"| {(cpu is null ? "" : Choice(work, candidates, cpu).SequenceEqual(Choice(work, candidates, cuda)) ? "yes" : "NO")} |");
    }

    /// <summary>Largest differences: of the diagonal as a share of the entry, elsewhere as one of both diagonals' geometric mean.</summary>
    private static (double Diagonal, double Cross) Differences(SensitivityMatrix expected, SensitivityMatrix found)
    {
        int n = expected.CandidateCount;
        double diagonal = 0, cross = 0;
        for (int row = 0; row < n; row++)
        {
            for (int other = 0; other <= row; other++)
            {
                double scale = Math.Sqrt(Math.Abs(expected.Raw[row * (n + 1)] * expected.Raw[other * (n + 1)]));
                double share = Math.Abs(found.Raw[(row * n) + other] - expected.Raw[(row * n) + other]) / scale;
                (diagonal, cross) = row == other ? (Math.Max(diagonal, share), cross) : (diagonal, Math.Max(cross, share));
            }
        }
        return (diagonal, cross);
    }

    private static IEnumerable<int> Choice(Job work, CandidateSet candidates, SensitivityMatrix matrix)
    {
        int least = candidates.Items.Min(candidate => candidate.Bits);
        var budget = Budget.Parse(Invariant($"{least + 1}bit"), work.Graph.FileSizeBytes);
        var size = new FileSize(work.Graph, candidates.Layers, ActivationFormat.Int8);
        return BitAllocation.Allocate(Surrogate.Of(matrix), candidates, size, budget, new AutomaticAllocator())
            .Chosen.Select(candidate => candidate.Bits);
    }

    private static SensitivityMatrix Measure(
        Job job, CandidateSet candidates, string estimator, Provider provider, int? threads = null)
    {
        using var records = new RecordStore();
        var work = new Workload(job.Set, job.Preprocessing)
        {
            Provider = provider,
            Resources = new() { Threads = threads ?? Environment.ProcessorCount },
        };
        return SensitivityMeasurement.Measure(new(job.Graph, candidates, work), [], new() { Estimator = estimator }, records);
    }

    /// <summary>Seconds of a pass of the float network over images that are decoded before, at the best of some batch sizes.</summary>
    private static double FullPass(Job work, Provider provider)
    {
        var (graph, set, preprocessing) = work;
        using var network = new ModelRunner(graph, Readout.Of(graph), OutputSource.Float(graph.File), provider: provider);
        double best = double.PositiveInfinity;
        foreach (int size in provider == Provider.Cuda ? (int[])[16, 64, 128] : [4, 8, 16])
        {
            var batches = new ImageBatches(set, graph, preprocessing, size);
            ImageBatch[] loaded = [.. Enumerable.Range(0, batches.Count).AsParallel().AsOrdered().Select(batches.Load)];
            void Pass() => Parallel.ForEach(loaded, batch => network.RunUnchecked(batch));
            Pass();
            best = Math.Min(best, Enumerable.Range(0, Repeats).Select(_ => Seconds(Pass)).Order().ElementAt(Repeats / 2));
        }
        return best;
    }

    private static double Seconds(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds of some work, the share of them in which the GPU computed, and its memory in use at most, MiB.</summary>
    private static (double Seconds, double Busy, double Memory) Watched(Action work)
    {
        var start = new ProcessStartInfo(
            "nvidia-smi", ["--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "100"])
        {
            RedirectStandardOutput = true,
        };
        using var watch = Process.Start(start)!;
        var lines = watch.StandardOutput.ReadToEndAsync();
        double seconds = Seconds(work);
        watch.Kill();
        double[][] seen = [.. lines.Result.Split('\n').Select(line => line.Split(','))
            .Where(words => words.Length == 2 && double.TryParse(words[1], CultureInfo.InvariantCulture, out _))
            .Select(words => words.Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray())];
        return seen.Length == 0 ? (seconds, 0, 0) : (seconds, seen.Average(s => s[0]), seen.Max(s => s[1]));
    }

    private static Job Open(string name, int images)
    {
        if (Networks.TryGetValue(name, out var known))
        {
            return new(
                Graph.Read(SharedInstances.Locate($"models/{name}.onnx")),
                ImageFolder.Open(SharedInstances.Locate($"data/{known.Images}")).Limit(images, 0), Preprocessing.Parse(known.Preprocess));
        }
        var folder = Path.Combine(Path.GetTempPath(), "clado-cuda");
        RandomResNet.Write(folder, images);
        return new(
            Graph.Read(Path.Combine(folder, "resnet50.onnx")), ImageFolder.Open(Path.Combine(folder, "images")).Limit(images, 0),
            Preprocessing.Parse("imagenet"));
    }

    private sealed record Job(Graph Graph, ImageSet Set, Preprocessing Preprocessing);
}
