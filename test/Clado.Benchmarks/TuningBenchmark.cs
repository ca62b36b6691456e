using System.Globalization;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tuning;

namespace Clado.Benchmarks;

/// <summary>
/// What tuning gains over rounding again, on images that neither has seen, every layer at one width; and what it costs beside a pass.
/// </summary>
internal static class TuningBenchmark
{
    private const int BatchSize = 16;

    private static readonly Dictionary<string, Network> Networks = new()
    {
        ["resnet20"] = new("resnet20_cifar10", "cifar10", Preprocessing.Parse("imagenet"), [2, 3]),
        ["resnet8"] = new("mlperf_resnet8_cifar10", "cifar10", Preprocessing.Parse("raw255"), [2, 3]),
        ["vit"] = new("vit_cifar10", "cifar10", Preprocessing.Parse("cifar10"), [2, 3]),
        ["mcunet"] = new("mcunet_imagenet", "imagenet-sample", Preprocessing.Parse("tf") with { Resize = 201 }, [4]),
    };

    /// <summary>
    /// Runs networks by name, at widths such as 2bit, by methods of tuning, and passes such as 64passes for each; numbers are the images to
    /// tune on and to test on, at most. With short only what tuning begins at stands beside it. Shape: [parts].
    /// </summary>
    public static int Run(string[] parts)
    {
        int[] numbers = [.. parts.Where(p => int.TryParse(p, CultureInfo.InvariantCulture, out _))
            .Select(p => int.Parse(p, CultureInfo.InvariantCulture))];
        int images = numbers.Length > 0 ? numbers[0] : 2048, tests = numbers.Length > 1 ? numbers[1] : 3000;
        Console.WriteLine("| network, images | bits | codes | loss, test | gain over refined | top-1 | agreement | CPU s (a pass) |\n"
            + "|---|---|---|---|---|---|---|---|");
        bool hasNames = parts.Any(Networks.ContainsKey);
        foreach (var network in Networks.Where(own => !hasNames || parts.Contains(own.Key)).Select(own => own.Value))
        {
            int[] asked = [.. Enumerable.Range(2, 7).Where(bits => parts.Contains(FormattableString.Invariant($"{bits}bit")))];
            foreach (int bits in asked.Length > 0 ? asked : network.Widths)
            {
                Compare(network, bits, images, tests, parts);
            }
        }
        return 0;
    }

    private static void Compare(Network network, int bits, int images, int tests, string[] parts)
    {
        var read = Graph.Read(SharedInstances.Locate($"models/{network.Model}.onnx"));
        var space = CompactForms.Of(SearchSpace.Of(read, [bits], []), keepsNames: false);
        var (graph, layers) = (space.Graph, space.Layers.Layers);
        Workload On(string part, int count) => new(
            ImageFolder.Open(SharedInstances.Locate($"data/{network.Data}/{part}")).Limit(count, 0), network.Preprocessing);
        var (work, test) = (On("calibration", images), On("test", tests));
        var (seen, heldBack) = (work with { Images = work.Images.WithoutHeldBack() }, work with { Images = work.Images.HeldBack() });
        IReadOnlyList<int>[] widths = [.. layers.Select(_ => (IReadOnlyList<int>)[bits])];
        IReadOnlyList<Candidate> Refined(Workload on) =>
            CandidateMaker.MakeSequentially(graph, graph, layers, widths, new FeedbackRounding(), on).Items;
        var judge = new NetworkLosses(graph, "kl", null, test);
        double[] Losses(IReadOnlyList<Candidate> chosen)
        {
            using var runner = judge.Runner(FakeQuantizedGraph.Of(graph, chosen), OutputSource.Quantized(graph.File));
            return judge.Measure([runner], BatchSize, null)[0];
        }
        double pass = MeasuringBenchmark.Cpu(() => new NetworkLosses(graph, "kl", null, work).ForEachBatch(BatchSize, (_, _, _) => { }));
        bool isShort = parts.Contains("short");
        IReadOnlyList<Candidate> all = [], start = Refined(seen);
        double refining = isShort ? 0 : MeasuringBenchmark.Cpu(() => all = Refined(work));
        double[] reference = Losses(isShort ? start : all);
        void Row(string codes, IReadOnlyList<Candidate> chosen, string cpu)
        {
            var own = Losses(chosen);
            var gain = LossGain.Of(own, reference);
            var (top1, agreement) = Accuracy(graph, chosen, test);
            Console.WriteLine($"| {network.Model}, {images} | {bits} | {codes} | {own.Average():0.0000} "
                + $"| {gain.Mean:0.0000} ± {gain.StandardError:0.0000} | {top1:0.00} | {agreement:0.0} | {cpu} |");
        }
        if (!isShort)
        {
            Row("as rounded", CandidateMaker.Make(graph, layers, widths, new FeedbackRounding(), work).Items, "");
            Row("refined", all, $"{refining:0} ({pass:0.0})");
        }
        Row("refined on three quarters", start, "");
        foreach (var options in Options(parts))
        {
            IReadOnlyList<Candidate> tuned = [];
            var task = new TuningTask(graph, graph, start, seen, heldBack) { Loss = "kl" };
            double tuning = MeasuringBenchmark.Cpu(() => tuned = Tuned(task, options));
            Row($"{options.Method}".ToLowerInvariant() + " from there", tuned, $"{tuning:0} ({pass:0.0})");
        }
    }

    private static IEnumerable<TuningOptions> Options(string[] parts)
    {
        TuningMethod[] methods = [.. Enum.GetValues<TuningMethod>().Where(method => parts.Contains($"{method}".ToLowerInvariant()))];
        int? passes = parts.Where(part => part.EndsWith("passes", StringComparison.Ordinal))
            .Select(part => (int?)int.Parse(part[..^"passes".Length], CultureInfo.InvariantCulture)).FirstOrDefault();
        return (methods.Length > 0 ? methods : [TuningMethod.Network]).Select(method => new TuningOptions(method) { Passes = passes });
    }

    /// <summary>The better of what each part of tuning leaves and what it begins at, whether that is significant or not.</summary>
    private static IReadOnlyList<Candidate> Tuned(TuningTask task, TuningOptions options)
    {
        var best = task.Start;
        if (options.BlockEpochs > 0)
        {
            var blocks = new BlockTuning(task with { Epochs = options.BlockEpochs });
            var state = blocks.Run(null, _ => { });
            var (before, after) = (HeldBack(task, best), HeldBack(task, task.With(state.Chosen)));
            Say(before, after, $"{state.Better} of {blocks.Blocks.Count} blocks");
            best = options.NetworkEpochs == 0 || after.Average() < before.Average() ? task.With(state.Chosen) : best;
        }
        if (options.NetworkEpochs > 0)
        {
            var whole = task with { Start = best, Epochs = options.NetworkEpochs };
            using var tuning = new NetworkTuning(whole);
            var state = tuning.Run(null, _ => { });
            Say(state.Losses[0], state.Losses[1], $"epoch {state.Best}");
            best = whole.With(state.Chosen);
        }
        return best;
    }

    private static void Say(double[] before, double[] after, string what)
    {
        var gain = LossGain.Of(after, before);
        Console.WriteLine($"| | | *held back: {before.Average():0.0000} → {after.Average():0.0000} with {what}* "
            + $"| | *{gain.Mean:0.0000} ± {gain.StandardError:0.0000}, {(gain.IsSignificant ? "kept" : "not kept")}* | | | |");
    }

    private static double[] HeldBack(TuningTask task, IReadOnlyList<Candidate> chosen)
    {
        var judge = new NetworkLosses(task.Graph, task.Loss, task.Scales, task.HeldBack);
        using var runner = judge.Runner(FakeQuantizedGraph.Of(task.Network, chosen), OutputSource.Quantized(task.Graph.File));
        return judge.Measure([runner], BatchSize, null)[0];
    }

    private static (double Top1, double Agreement) Accuracy(Graph graph, IReadOnlyList<Candidate> chosen, Workload test)
    {
        var path = Path.GetTempFileName();
        OnnxFile.Write(ModelWriter.Build(graph, chosen), path);
        var result = Evaluator.Evaluate(new(path), new(graph.File), new(), test);
        File.Delete(path);
        return (100 * result.Top1!.Value, 100 * result.Agreement!.Value);
    }

    private sealed record Network(string Model, string Data, Preprocessing Preprocessing, int[] Widths);
}
