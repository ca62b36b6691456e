using Clado.Calibration;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Rounding;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>
/// Sensitivities from gradients beside those that are measured forward: what they cost, and how well they agree (`choosing` shows what the
/// choices are worth).
/// </summary>
internal static class FisherBenchmark
{
    private static readonly int[] Widths = [2, 3, 4, 6, 8];

    /// <summary>
    /// Runs on the networks named (without: resnet20), for both roundings; a number of images may stand among them, and folders that
    /// `resnet50` wrote.
    /// </summary>
    public static int Run(string[] parts)
    {
        int images = parts.Select(p => int.TryParse(p, out int count) ? count : 0).Append(512).First(count => count > 0);
        string[] roundings = parts.Intersect(["feedback", "nearest"]).ToArray() is { Length: > 0 } named ? named : ["feedback", "nearest"];
        Console.WriteLine($"ONNX Runtime {OrtRuntime.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} cores");
        foreach (var folder in parts.Where(Directory.Exists))
        {
            Compare(Path.Combine(folder, "resnet50.onnx"), Path.Combine(folder, "images"), "imagenet", "nearest", images);
        }
        bool isNamed = parts.Any(part => part.Contains('_') || Directory.Exists(part));
        foreach (var network in SharedNetwork.Named(isNamed ? parts : []))
        {
            foreach (var rounding in roundings)
            {
                Compare(
                    SharedInstances.Locate($"models/{network.Model}.onnx"), SharedInstances.Locate($"data/{network.Images}"),
                    network.Preprocess, rounding, images);
            }
        }
        return 0;
    }

    private static void Compare(string model, string folder, string preprocess, string rounding, int images)
    {
        var graph = Graph.Read(model);
        var preprocessing = Preprocessing.Parse(preprocess);
        var set = ImageFolder.Open(folder).Limit(images, 0);
        var candidates = Round(graph, new Workload(set, preprocessing), rounding, Widths);
        using var pass = new MeasuringBenchmark.FullPass(graph, set, preprocessing);
        SensitivityMatrix Measure(string estimator, string what)
        {
            SensitivityMatrix? matrix = null;
            double macs = MeasuringBenchmark.Passes(graph, candidates, set, preprocessing, estimator);
            var (cpu, forward) = pass.Beside(() => matrix = MeasuringBenchmark.Measure(graph, candidates, set, preprocessing, estimator));
            Console.WriteLine($"| {what} | {macs:0.0} | {cpu:0.0} | {forward:0.00} | {cpu / forward:0.0} |");
            return matrix!;
        }

        Console.WriteLine($"\n### {Path.GetFileNameWithoutExtension(model)}, {rounding}, {set.Items.Count} images\n\n"
            + "| | full passes' worth of MACs | CPU s | full pass, CPU s | full passes |\n|---|---|---|---|---|");
        Measure("fisher", "fisher, the first time");
        var fisher = Measure("fisher", "fisher, once compiled");
        Fixed("— of it decoding", () => Decode(graph, set, preprocessing));
        Fixed("— of it making models (one image)", () => MeasuringBenchmark.Measure(
            graph, candidates, set.Limit(1, 0), preprocessing, "fisher"));
        var additive = Measure("additive", "additive");
        Console.WriteLine(
            "\n| width | Σ additive | Σ fisher | ratio of sums | median ratio | rank correlation |\n|---|---|---|---|---|---|");
        foreach (int width in Widths)
        {
            int[] rows = [.. candidates.Items.Index().Where(c => c.Item.Bits == width).Select(c => c.Index)];
            double[] expected = [.. rows.Select(additive.LossIncrease)], found = [.. rows.Select(fisher.LossIncrease)];
            double[] ratios = [.. found.Zip(expected, (f, e) => f / e).Order()];
            Console.WriteLine($"| {width} | {expected.Sum():0.00000} | {found.Sum():0.00000} | {found.Sum() / expected.Sum():0.00} "
                + $"| {ratios[ratios.Length / 2]:0.00} | {RankCorrelation(expected, found):0.000} |");
        }
        var pairs = Enumerable.Range(0, candidates.Items.Count).SelectMany(a => Enumerable.Range(0, a)
            .Where(b => candidates.LayerOf[a] != candidates.LayerOf[b]).Select(b => (a * candidates.Items.Count) + b)).ToArray();
        Console.WriteLine($"\nCross terms, {pairs.Length} pairs: rank correlation "
            + $"{RankCorrelation([.. pairs.Select(i => additive.Raw[i])], [.. pairs.Select(i => fisher.Raw[i])]):0.000}");
    }

    private static void Fixed(string what, Action work) => Console.WriteLine($"| {what} | | {MeasuringBenchmark.Cpu(work):0.00} | | |");

    private static void Decode(Graph graph, ImageSet set, Preprocessing preprocessing)
    {
        var batches = new ImageBatches(set, graph, preprocessing, 32);
        for (int i = 0; i < batches.Count; i++)
        {
            batches.Load(i);
        }
    }

    /// <summary>Every layer of a network at some widths.</summary>
    internal static CandidateSet Round(Graph graph, Workload work, string rounding, IReadOnlyList<int> widths)
    {
        var layers = LayerFinder.Find(graph).Layers;
        var method = RoundingMethods.Named(rounding);
        var inputs = method.NeedsInputs ? InputMeasurement.Measure(graph, layers, work) : null;
        return CandidateMaker.Make(
            graph, layers, [.. layers.Select(_ => widths)], method, inputs, Environment.ProcessorCount);
    }

    /// <summary>Spearman's: the correlation of positions in order.</summary>
    private static double RankCorrelation(double[] a, double[] b)
    {
        static double[] Ranks(double[] values)
        {
            var ranks = new double[values.Length];
            foreach (var (rank, item) in values.Index().OrderBy(v => v.Item).Index())
            {
                ranks[item.Index] = rank;
            }
            return ranks;
        }

        double n = a.Length;
        return 1 - (6 * Ranks(a).Zip(Ranks(b), (x, y) => (x - y) * (x - y)).Sum() / (n * ((n * n) - 1)));
    }
}
