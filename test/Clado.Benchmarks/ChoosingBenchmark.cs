using Clado.Candidates;
using Clado.Evaluation;
using Clado.Export;
using Clado.Images;
using Clado.Onnx;
using Clado.Sensitivity;

namespace Clado.Benchmarks;

/// <summary>What the estimators' choices are worth on images that none of them has seen, and how many widths to choose from.</summary>
internal static class ChoosingBenchmark
{
    private const int ImageCount = 512;
    private static readonly double[] Budgets = [2.25, 2.5, 3, 3.5];
    private static readonly int[][] WidthSets = [[2, 4, 8], [2, 3, 4, 8], [2, 3, 4, 6, 8], [2, 3, 4, 5, 6, 8], [2, 3, 4, 5, 6, 7, 8]];

    private static readonly (string Model, string Preprocess)[] Networks = [("mlperf_resnet8_cifar10", "raw255"), ("resnet20_cifar10", "imagenet"), ("vit_cifar10", "cifar10")];

    /// <summary>
    /// Runs the parts named (estimators, widths, economies); beside them may stand nearest (rounding), quantized (inputs of the rounding), estimators (without: diagonal, additive and auto),
    /// widths such as 2,4,8 for them, and models. Shape: [parts].
    /// </summary>
    public static int Run(string[] parts)
    {
        bool quantized = parts.Contains("quantized");
        IRounding rounding = parts.Contains("nearest") ? new NearestRounding() : new FeedbackRounding();
        int[] widths = [.. (parts.FirstOrDefault(p => p.Contains(',')) ?? "2,3,4,8").Split(',').Select(int.Parse)];
        string[] named = [.. parts.Intersect(SensitivityOptions.Estimators)], estimators = named.Length > 0 ? named : ["diagonal", "additive", "auto"];
        bool Wanted(string part) => !parts.Intersect(["estimators", "widths", "economies"]).Any() || parts.Contains(part);
        foreach (var (model, preprocess) in Networks.Where(n => !parts.Any(p => p.Contains('_')) || parts.Contains(n.Model)))
        {
            if (Wanted("estimators"))
            {
                Head($"{model}, {rounding.Name}{(quantized ? " on quantized inputs" : "")}, widths {string.Join(", ", widths)}", "estimator");
                foreach (double budget in Budgets)
                {
                    foreach (var estimator in estimators)
                    {
                        Show($"| {budget} | {estimator} |", Options(model, preprocess, rounding, estimator, widths) with { QuantizedInputs = quantized }, budget);
                    }
                }
            }
            if (Wanted("widths"))
            {
                Head($"{model}, {rounding.Name}, auto", "widths");
                foreach (double budget in Budgets)
                {
                    foreach (var set in WidthSets)
                    {
                        Show($"| {budget} | {string.Join(',', set)} |", Options(model, preprocess, rounding, "auto", set), budget);
                    }
                }
            }
            if (Wanted("economies"))
            {
                Console.WriteLine($"\n## {model}, {rounding.Name}, economies");
                WidthEconomies.Run(Options(model, preprocess, rounding, "additive", WidthEconomies.Widths));
            }
        }
        return 0;
    }

    private static void Head(string title, string what) => Console.WriteLine(
        $"\n## {title}\n\n| bits | {what} | found by | predicted | measured | held back | 10,000 test images | top-1 |\n|---|---|---|---|---|---|---|---|");

    private static PipelineOptions Options(string model, string preprocess, IRounding rounding, string estimator, int[] widths) => new()
    {
        Model = SharedInstances.Locate($"models/{model}.onnx"),
        Images = SharedInstances.Locate("data/cifar10/calibration"),
        Preprocessing = Preprocessing.Parse(preprocess),
        Limit = ImageCount,
        Bits = widths,
        Rounding = rounding,
        Sensitivity = new SensitivityOptions { Estimator = estimator },
        Run = Path.Combine(Path.GetTempPath(), "clado-choosing", $"{model}-{rounding.Name}-{estimator}-{string.Concat(widths)}"),
    };

    private static void Show(string start, PipelineOptions options, double bits)
    {
        var pipeline = Pipeline.Measure(options with { Run = options.QuantizedInputs ? options.Run + "-quantized" : options.Run });
        var result = pipeline.Allocate($"{bits}bit");
        if (result.Status == Allocation.Solver.AllocationStatus.Infeasible)
        {
            Console.WriteLine($"{start} infeasible | | | | | |");
            return;
        }
        var path = Path.Combine(pipeline.RunPath, "written.onnx");
        OnnxFile.Write(ModelWriter.Build(pipeline.Graph, result.Chosen), path);
        var test = ImageFolder.Open(SharedInstances.Locate("data/cifar10/test"));
        var evaluation = Evaluator.Evaluate(path, test, options.Preprocessing, options.Model, null, options.Sensitivity.Threads);
        double measured = result.MeasuredLoss ?? pipeline.Evaluate(path).LossIncrease!.Value;
        var best = result.Trials.LastOrDefault(t => t.IsBest);
        Console.WriteLine($"{start} {result.Surrogate}{(best?.Round > 0 ? $", round {best.Round}" : "")} | {result.PredictedLoss:0.0000} | {measured:0.0000} | {best?.HeldBackLoss:0.0000} | {evaluation.LossIncrease:0.0000} | {evaluation.Top1 * 100:0.00} % |");
    }
}
