using Clado.Activations;
using Clado.Comparisons;
using Clado.Execution;
using Clado.Images;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>
/// All metrics on the samples and the shared networks at four budgets: what their choices lose on test images, what they cost, and a
/// ranking by mean regret. Run folders stay where they are told, so that it goes on where it was stopped.
/// </summary>
internal static class ComparisonBenchmark
{
    // What allocate takes at most; a comparison takes one.
    private const int Rounds = 4;

    private static readonly string[] Budgets = ["2.5bit", "3bit", "3.5bit", "4bit"], Roundings = ["nearest", "feedback"];

    private static readonly string Samples = Path.Combine(SourceRoot, "samples"), Preprocess = Path.Combine(Samples, "preprocessing.json");

    private static readonly Network[] Networks =
    [
        new("sample-resnet20", Path.Combine(Samples, "resnet20.onnx"), Path.Combine(Samples, "images"), Preprocess, 1000),
        new("sample-vit", Path.Combine(Samples, "vit.onnx"), Path.Combine(Samples, "images"), Preprocess, 2000),
        new("resnet20", "models/resnet20_cifar10.onnx", "data/cifar10", "imagenet", 2000),
        new("mlperf_resnet8", "models/mlperf_resnet8_cifar10.onnx", "data/cifar10", "raw255", 2000),
        new("vit", "models/vit_cifar10.onnx", "data/cifar10", "cifar10", 1000),
        new("mcunet", "models/mcunet_imagenet.onnx", "data/imagenet-sample", "tf", 300) { Images = 128, Resize = 201 },
    ];

    private static string SourceRoot
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "Clado.slnx")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not below the sources");
            }
            return folder;
        }
    }

    /// <summary>Runs on the networks named (without: all), with both roundings or those named.</summary>
    /// <param name="folder">Folder of the run folders.</param>
    /// <param name="parts">Networks, roundings.</param>
    public static int Run(string folder, string[] parts)
    {
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores");
        var all = new List<(string Title, Comparison Comparison)>();
        foreach (var network in Networks.Where(n => !Networks.Any(o => parts.Contains(o.Name)) || parts.Contains(n.Name)))
        {
            foreach (var rounding in Roundings.Where(r => !Roundings.Any(parts.Contains) || parts.Contains(r)))
            {
                var title = $"{network.Name}, {rounding}";
                all.Add((title, Compare(network, rounding, Path.Combine(folder, $"{network.Name}-{rounding}"))));
                Write(title, all[^1].Comparison);
            }
        }
        Rank(all);
        return 0;
    }

    private static Comparison Compare(Network network, string rounding, string run)
    {
        string Locate(string path) => Path.IsPathRooted(path) ? path : SharedInstances.Locate(path);
        var preprocessing = Preprocessing.Parse(network.Preprocess);
        var measured = Pipeline.Measure(new PipelineOptions
        {
            Model = Locate(network.Model),
            Images = Path.Combine(Locate(network.Folder), "calibration"),
            Preprocessing = preprocessing with { Resize = network.Resize ?? preprocessing.Resize },
            Limit = network.Images,
            Rounding = rounding,
            Activations = new ActivationOptions { Format = ActivationFormat.Float },
            Run = run,
        });
        return measured.Compare(new ComparisonOptions
        {
            Budgets = Budgets,
            Images = Path.Combine(Locate(network.Folder), "test"),
            Limit = network.TestImages,
            Rounds = Rounds,
        }).Comparison;
    }

    private static void Write(string title, Comparison comparison)
    {
        string top1 = comparison.FloatTop1 is { } whole ? Invariant($", FP32 top-1 {100 * whole:0.0} %") : "";
        Console.WriteLine($"\n## {title}\n");
        Console.WriteLine(Invariant($"Loss {comparison.Loss} / top-1 in % on {comparison.Images} test images{top1}; ≈ within two standard ")
            + "errors of the best; random: median (quartiles).\n");
        Console.WriteLine($"| metric | {string.Join(" | ", comparison.Budgets)} | mean regret | passes | seconds |\n"
            + $"|---|{string.Concat(comparison.Budgets.Select(_ => "---|"))}---|---|---|");
        foreach (var metric in comparison.Metrics.Where(metric => metric.Problem is null))
        {
            var cells = comparison.Budgets.Select(budget =>
                Cell(comparison.Rows.Single(row => row.Metric == metric.Name && row.Budget == budget)));
            Console.WriteLine($"| {metric.Name} | {string.Join(" | ", cells)} | {100 * metric.MeanRegret:0} % "
                + $"| {metric.Passes:0.0} | {metric.Seconds:0.0} |");
        }
        foreach (var metric in comparison.Metrics.Where(metric => metric.Problem is not null))
        {
            Console.WriteLine($"\n{metric.Name}: {metric.Problem}");
        }
    }

    private static string Cell(ComparisonRow row) => Loss(row.Loss) + (row.WithinNoise ? " ≈" : "")
        + (row.LossLow is { } low ? $" ({Loss(low)}–{Loss(row.LossHigh!.Value)})" : "")
        + (row.Top1 is { } top1 ? Invariant($" / {100 * top1:0.0}") : "");

    private static string Loss(double loss) => loss >= 0.01 ? Invariant($"{loss:0.0000}") : Invariant($"{loss:0.00000}");

    /// <summary>
    /// Metrics by their mean regrets over the comparisons that all of them are in. A regret may be a thousand percent; so its median and
    /// the mean rank are said beside.
    /// </summary>
    private static void Rank(List<(string Title, Comparison Comparison)> all)
    {
        string[] everywhere = [.. all.SelectMany(own => own.Comparison.Metrics).Where(metric => metric.MeanRegret is not null)
            .CountBy(metric => metric.Name).Where(own => own.Value == all.Count).Select(own => own.Key)];
        double Regret(Comparison comparison, string name) => comparison.Metrics.Single(metric => metric.Name == name).MeanRegret!.Value;
        double RankOf(Comparison comparison, string name) =>
            1 + everywhere.Count(other => Regret(comparison, other) < Regret(comparison, name));
        int Noise(Comparison comparison, string name) => comparison.Rows.Count(row => row.Metric == name && row.WithinNoise);
        Console.WriteLine("\n## Ranking\n\nMean regret over the four budgets, in %.\n\n"
            + $"| metric | {string.Join(" | ", all.Select(a => a.Title))} | mean | median | mean rank | best or within noise |");
        Console.WriteLine($"|---|{string.Concat(all.Select(_ => "---|"))}---|---|---|---|");
        foreach (var name in everywhere.OrderBy(name => all.Average(own => Regret(own.Comparison, name))))
        {
            double[] regrets = [.. all.Select(own => Regret(own.Comparison, name))], sorted = [.. regrets.Order()];
            Console.WriteLine($"| {name} | {string.Join(" | ", regrets.Select(regret => $"{100 * regret:0}"))} "
                + $"| {100 * regrets.Average():0} | {100 * sorted[sorted.Length / 2]:0} "
                + $"| {all.Average(own => RankOf(own.Comparison, name)):0.0} "
                + $"| {all.Sum(own => Noise(own.Comparison, name))} of {all.Count * Budgets.Length} |");
        }
    }

    private sealed record Network(string Name, string Model, string Folder, string Preprocess, int TestImages)
    {
        public int Images { get; init; } = 512;

        public int? Resize { get; init; }
    }
}
