using System.Collections.Concurrent;
using System.Diagnostics;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Records;
using Clado.Rounding;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Benchmarks;

/// <summary>
/// What measuring costs beside what it must cost. Times are processor times of the whole process: on a machine that others use too they can
/// be compared within a run, which wall times cannot.
/// </summary>
internal static class MeasuringBenchmark
{
    private static readonly int[] Widths = [2, 4, 8];
    private static readonly int[] BatchSizes = [8, 16, 32, 64];

    private static readonly (string Model, string Images, string Preprocess)[] Networks =
    [
        ("resnet20_cifar10", "cifar10/calibration", "imagenet"),
        ("vit_cifar10", "cifar10/calibration", "cifar10"),
        ("mcunet_imagenet", "imagenet-sample/calibration", "tf"),
        ("mobilenetv2_imagenet", "imagenet-sample/calibration", "tf"),
    ];

    /// <summary>Runs the parts named: efficiency, beside which may stand models, whole, matrix. Shape: [parts].</summary>
    public static int Run(string[] parts)
    {
        bool Wanted(string part) => parts.Length == 0 || parts.Contains(part);
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores\n");
        if (Wanted("efficiency"))
        {
            Efficiency([.. Networks.Where(n => !parts.Any(p => p.Contains('_')) || parts.Contains(n.Model))]);
        }
        if (Wanted("whole"))
        {
            Whole();
        }
        if (Wanted("matrix"))
        {
            Matrix();
        }
        return 0;
    }

    /// <summary>
    /// Additive: ideal / actual, ideal = Σ over passes of (MACs of the suffix / MACs of the network) × a full pass at its best.
    /// </summary>
    private static void Efficiency((string Model, string Images, string Preprocess)[] networks)
    {
        Console.WriteLine(
            "| network | images | full pass, CPU s | full passes' worth of MACs | ideal, CPU s | actual, CPU s | efficiency "
                + "|\n|---|---|---|---|---|---|---|");
        foreach (var (model, folder, preprocess) in networks)
        {
            var (graph, set, preprocessing, candidates) = Open(model, folder, preprocess, 512);
            using var pass = new FullPass(graph, set, preprocessing);
            double passes = Passes(graph, candidates, set, preprocessing, "additive");
            var (actual, forward) = pass.Beside(() => Measure(graph, candidates, set, preprocessing, "additive"));
            Console.WriteLine(
                $"| {model} | {set.Items.Count} | {forward:0.00} | {passes:0.0} | {passes * forward:0.0} | {actual:0.0} | "
                    + $"{passes * forward / actual:0.00} |");
        }
    }

    /// <summary>
    /// All of a measurement on resnet20 — load, calibrate, round, measure, matrix — in full passes; pairwise as a share of the naive number
    /// of passes. Then its stages again, when all code has been compiled.
    /// </summary>
    private static void Whole()
    {
        Console.WriteLine("\n| resnet20, 512 images | full passes | of naive |\n|---|---|---|");
        var (model, folder, preprocess) = Networks[0];
        var (graph, set, preprocessing, candidates) = Open(model, folder, preprocess, 512);
        using var pass = new FullPass(graph, set, preprocessing);
        int n = candidates.Items.Count, layers = candidates.Layers.Count, widths = Widths.Length;
        void Row(string name, Action work, int naive = 0)
        {
            var (all, forward) = pass.Beside(work);
            Console.WriteLine($"| {name} | {all / forward:0.0} | {(naive > 0 ? $"{all / forward / naive:P0} of {naive}" : "")} |");
        }

        void Pipelined(string estimator, int naive)
        {
            var options = new PipelineOptions
            {
                Model = SharedInstances.Locate($"models/{model}.onnx"),
                Images = SharedInstances.Locate($"data/{folder}"),
                Preprocessing = preprocessing,
                Limit = 512,
                Bits = Widths,
                Estimator = estimator,
                Run = Directory.CreateTempSubdirectory("clado-whole").FullName,
            };
            Row(estimator, () => Pipeline.Measure(options), naive);
            Directory.Delete(options.Run, recursive: true);
        }

        Pipelined("additive", 1 + n);
        InputStatistics[] inputs = [];
        Row("— inputs", () => inputs = [.. InputMeasurement.Measure(graph, candidates.Layers,
            new Workload(set, preprocessing) { Resources = new() { Threads = Environment.ProcessorCount, MemoryBytes = 8L << 30 } })]);
        Row("— candidates", () => CandidateMaker.Make(
            graph, candidates.Layers, [.. candidates.Layers.Select(_ => (IReadOnlyList<int>)Widths)], new FeedbackRounding(), inputs,
            Environment.ProcessorCount));
        Row(
            $"— measuring ({Passes(graph, candidates, set, preprocessing, "additive"):0.0} passes' worth of MACs)", () =>
                Measure(graph, candidates, set, preprocessing, "additive"));
        Pipelined("pairwise", 1 + n + (widths * widths * layers * (layers - 1) / 2));
    }

    /// <summary>The additive matrix from outputs alone.</summary>
    private static void Matrix()
    {
        const int candidates = 168, images = 1024, classes = 1000, widths = 3, batch = 32;
        var random = new Random(1);
        float[] Values(double spread) =>
            [.. Enumerable.Range(0, batch * classes).Select(_ => (float)(spread * (random.NextDouble() - 0.5)))];
        int[] layerOf = [.. Enumerable.Range(0, candidates).Select(i => i / widths)];
        var logits = Values(20);
        var shifts = Enumerable.Range(0, candidates).Select(_ => Values(4)).ToArray();
        var loss = ClassLoss.KullbackLeibler(logits, logits, classes);
        // One batch is timed and the rest follow it: the work of a batch does not depend on its values.
        var watch = Stopwatch.StartNew();
        var matrix = loss.CrossTerms(shifts, layerOf, Environment.ProcessorCount).Values;
        double seconds = watch.Elapsed.TotalSeconds * images / batch;
        double worst = 0;
        for (int check = 0; check < 50; check++)
        {
            int a = random.Next(candidates), b = random.Next(candidates);
            if (layerOf[a] != layerOf[b])
            {
                double direct = DirectCrossTerm(logits, shifts[a], shifts[b], classes);
                worst = Math.Max(worst, Math.Abs(direct - matrix[(a * candidates) + b]) / Math.Abs(direct));
            }
        }
        Console.WriteLine($"\nAdditive matrix, {candidates} candidates × {images} images × {classes} classes: {seconds:0.0} s on "
            + $"{Environment.ProcessorCount} cores "
            + $"(a batch of {batch} timed, times {images / batch}); largest relative difference to the direct loop over 50 pairs "
            + $"{worst:0.0e0}");
    }

    /// <summary>
    /// Σ over images of log Σ p exp(δ_a + δ_b) − log Σ p exp δ_a − log Σ p exp δ_b, a term at a time in double precision.
    /// </summary>
    private static double DirectCrossTerm(float[] logits, float[] first, float[] second, int classes)
    {
        double total = 0;
        for (int start = 0; start < logits.Length; start += classes)
        {
            double z = 0, both = 0, one = 0, two = 0;
            for (int k = start; k < start + classes; k++)
            {
                double weight = Math.Exp(logits[k]);
                z += weight;
                both += weight * Math.Exp((double)first[k] + second[k]);
                one += weight * Math.Exp(first[k]);
                two += weight * Math.Exp(second[k]);
            }
            total += Math.Log(both / z) - Math.Log(one / z) - Math.Log(two / z);
        }
        return total;
    }

    private static (Graph Graph, ImageSet Set, Preprocessing Preprocessing, CandidateSet Candidates) Open(
        string model, string folder, string preprocess, int images)
    {
        var graph = Graph.Read(SharedInstances.Locate($"models/{model}.onnx"));
        var layers = LayerFinder.Find(graph).Layers;
        var candidates = CandidateMaker.Make(
            graph, layers, [.. layers.Select(_ => (IReadOnlyList<int>)Widths)], new NearestRounding(), null, Environment.ProcessorCount);
        return (graph, ImageFolder.Open(SharedInstances.Locate($"data/{folder}"))
            .Limit(images, 0), Preprocessing.Parse(preprocess), candidates);
    }

    /// <summary>Measures, and keeps no records.</summary>
    internal static SensitivityMatrix Measure(
        Graph graph, CandidateSet candidates, ImageSet set, Preprocessing preprocessing, string estimator)
    {
        using var records = new RecordStore();
        var options = new SensitivityOptions { Estimator = estimator };
        return SensitivityMeasurement.Measure(new(graph, candidates, new Workload(set, preprocessing)), [], options, records);
    }

    /// <summary>What an estimator's plan is worth of full passes, by its MACs.</summary>
    internal static double Passes(Graph graph, CandidateSet candidates, ImageSet set, Preprocessing preprocessing, string estimator)
    {
        var task = new MeasurementTask(new(graph, candidates, new Workload(set, preprocessing)), [], new() { Estimator = estimator });
        return new MeasurementPlan(task, 1).MacsPerImage / task.Cuts.Macs;
    }

    /// <summary>Processor seconds that work takes, all threads together.</summary>
    internal static double Cpu(Action work)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        work();
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalSeconds;
    }

    /// <summary>A pass of the whole network over images that are decoded before, at the best batch size.</summary>
    internal sealed class FullPass : IDisposable
    {
        private const int Repeats = 3;

        private readonly GraphSession session;
        private readonly ImageBatch[] batches;

        public FullPass(Graph graph, ImageSet set, Preprocessing preprocessing)
        {
            session = new GraphSession(graph.Model, graph.File);
            ImageBatch[] Load(int size) =>
                new ImageBatches(set, graph, preprocessing, size) is var all ? [.. Enumerable.Range(0, all.Count).Select(all.Load)] : [];
            batches = Load(BatchSizes.MinBy(size => Load(size) is var loaded ? Enumerable.Range(0, Repeats).Min(_ => Time(loaded)) : 0));
        }

        /// <summary>
        /// Processor seconds of some work, and of a pass: the median of passes just before and just after it, since a shared processor's
        /// speed changes.
        /// </summary>
        public (double Work, double Pass) Beside(Action work)
        {
            var before = Times();
            double time = Cpu(work);
            return (time, Median(before, Times()));
        }

        /// <summary>Processor seconds of a pass, several times over.</summary>
        public double[] Times() => [.. Enumerable.Range(0, Repeats).Select(_ => Time(batches))];

        /// <summary>The median of the times of passes before and after.</summary>
        public static double Median(double[] before, double[] after)
        {
            double[] all = [.. before.Concat(after).Order()];
            return (all[(all.Length - 1) / 2] + all[all.Length / 2]) / 2;
        }

        public void Dispose() => session.Dispose();

        private double Time(ImageBatch[] loaded) =>
            Cpu(() => Parallel.ForEach(Partitioner.Create(loaded, EnumerablePartitionerOptions.NoBuffering), batch =>
            {
                using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
                using var outputs = session.Run(_ => input);
            }));
    }
}
