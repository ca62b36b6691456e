using Clado.Evaluation;
using Clado.Export;
using Clado.Images;
using Clado.Onnx;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>What the estimators' choices are worth on images that none of them has seen, and how many widths to choose from.</summary>
internal static class ChoosingBenchmark
{
    private const int DefaultImages = 512;
    private static readonly double[] LowBudgets = [2.25, 2.5, 3, 3.5];
    private static readonly int[][] WidthSets = [[2, 4, 8], [2, 3, 4, 8], [2, 3, 4, 6, 8], [2, 3, 4, 5, 6, 8], [2, 3, 4, 5, 6, 7, 8]];

    private static readonly Network[] Networks =
    [
        new("mlperf_resnet8_cifar10", "raw255", "cifar10", LowBudgets), new("resnet20_cifar10", "imagenet", "cifar10", LowBudgets),
        new("vit_cifar10", "cifar10", "cifar10", LowBudgets), new("mcunet_imagenet", "tf", "imagenet-sample", [3.5, 4, 5]),
    ];

    /// <summary>
    /// Runs the parts named (estimators, widths, economies); beside them may stand nearest (rounding), quantized (inputs of the rounding),
    /// estimators (without: diagonal, additive and auto), widths such as 2,4,8 for them, a number of images, and models. Shape: [parts].
    /// </summary>
    public static int Run(string[] parts)
    {
        bool quantized = parts.Contains("quantized");
        int images = parts.Select(p => int.TryParse(p, out int count) ? count : 0).Append(DefaultImages).First(count => count > 0);
        string rounding = parts.Contains("nearest") ? "nearest" : "feedback";
        int[] widths = [.. (parts.FirstOrDefault(p => p.Contains(',')) ?? "2,3,4,8").Split(',').Select(int.Parse)];
        string[] named = [.. parts.Intersect(SensitivityOptions.Estimators)], estimators = named.Length > 0 ? named
            : ["diagonal", "additive", "auto"];
        bool Wanted(string part) => !parts.Intersect(["estimators", "widths", "economies"]).Any() || parts.Contains(part);
        foreach (var network in Networks.Where(n => parts.Any(p => p.Contains('_')) ? parts.Contains(n.Model) : n.Data == "cifar10"))
        {
            if (Wanted("estimators"))
            {
                string inputs = quantized ? " on quantized inputs" : "";
                Head($"{network.Model}, {rounding}{inputs}, widths {string.Join(", ", widths)}, {images} images", "estimator");
                foreach (double budget in network.Budgets)
                {
                    foreach (var estimator in estimators)
                    {
                        Show(
                            $"| {budget} | {estimator} |", network,
                            Options(network, images, rounding, estimator, widths) with { QuantizedInputs = quantized }, budget);
                    }
                }
            }
            if (Wanted("widths"))
            {
                string estimator = named.FirstOrDefault() ?? "auto";
                Head($"{network.Model}, {rounding}, {estimator}", "widths");
                foreach (double budget in network.Budgets)
                {
                    foreach (var set in WidthSets)
                    {
                        Show(
                            $"| {budget} | {string.Join(',', set)} |", network, Options(network, images, rounding, estimator, set), budget);
                    }
                }
            }
            if (Wanted("economies"))
            {
                Console.WriteLine($"\n## {network.Model}, {rounding}, economies");
                WidthEconomies.Run(Options(network, images, rounding, "additive", WidthEconomies.Widths));
            }
        }
        return 0;
    }

    private static void Head(string title, string what) => Console.WriteLine(
        $"\n## {title}\n\n| bits | {what} | found by | predicted | measured | held back | test images | top-1 "
            + $"|\n|---|---|---|---|---|---|---|---|");

    private static PipelineOptions Options(Network network, int images, string rounding, string estimator, int[] widths) => new()
    {
        Model = SharedInstances.Locate($"models/{network.Model}.onnx"),
        Images = SharedInstances.Locate($"data/{network.Data}/calibration"),
        Preprocessing = Preprocessing.Parse(network.Preprocess),
        Limit = images,
        Bits = widths,
        Rounding = rounding,
        Estimator = estimator,
        Run = Path.Combine(
            Path.GetTempPath(), "clado-choosing", $"{network.Model}-{rounding}-{estimator}-{string.Concat(widths)}-{images}"),
    };

    /// <summary>Loss increase of a file on the run's images.</summary>
    private static double Measured(MeasuredRun run, string path)
    {
        var work = run.On(null, null, CancellationToken.None);
        var reference = new ReferenceFile(run.ModelPath, run.Sensitivity.Loss, run.Scales);
        return Evaluator.Evaluate(new(path), reference, new(), work).LossIncrease!.Value;
    }

    private static void Show(string start, Network network, PipelineOptions options, double bits)
    {
        var pipeline = Pipeline.Measure(options with { Run = options.QuantizedInputs ? options.Run + "-quantized" : options.Run });
        var result = pipeline.Allocate($"{bits}bit");
        if (result.Chosen.Count == 0)
        {
            Console.WriteLine($"{start} infeasible | | | | | |");
            return;
        }
        var path = Path.Combine(pipeline.RunPath, "written.onnx");
        // Activations stay floats here: what weights lose is looked at.
        OnnxFile.Write(ModelWriter.Build(pipeline.Graph, result.Chosen), path);
        var test = ImageFolder.Open(SharedInstances.Locate($"data/{network.Data}/test"));
        var evaluation = Evaluator.Evaluate(
            new(path), new(options.Model), new(), new Workload(test, options.Preprocessing) { Resources = options.Resources });
        double measured = result.MeasuredLoss ?? Measured(pipeline, path);
        var best = result.Trials.LastOrDefault(t => t.IsBest);
        Console.WriteLine(
            $"{start} {result.Surrogate}{(best?.Round > 0 ? $", round {best.Round}" : "")} | {result.PredictedLoss:0.0000} | "
                + $"{measured:0.0000} | {best?.HeldBackLoss:0.0000} | {evaluation.LossIncrease:0.0000} | {evaluation.Top1 * 100:0.00} % |");
    }

    private sealed record Network(string Model, string Preprocess, string Data, double[] Budgets);
}
