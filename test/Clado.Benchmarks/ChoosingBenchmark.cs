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

    private static readonly (string Model, string Preprocess, bool IsPairwiseAffordable)[] Networks =
    [
        ("mlperf_resnet8_cifar10", "raw255", true),
        ("resnet20_cifar10", "imagenet", true),
        ("vit_cifar10", "cifar10", false),
    ];

    /// <summary>Runs the parts named: estimators, widths; with nearest rounding where that is named too. Shape: [parts].</summary>
    public static int Run(string[] parts)
    {
        IRounding rounding = parts.Contains("nearest") ? new NearestRounding() : new FeedbackRounding();
        bool Wanted(string part) => !parts.Intersect(["estimators", "widths"]).Any() || parts.Contains(part);
        foreach (var (model, preprocess, pairwise) in Networks.Where(n => !parts.Any(p => p.Contains('_')) || parts.Contains(n.Model)))
        {
            if (Wanted("estimators"))
            {
                Console.WriteLine($"\n## {model}, {rounding.Name}, widths 2, 3, 4, 8\n\n| bits | estimator | found by | predicted | measured | on test images | top-1 |\n|---|---|---|---|---|---|---|");
                foreach (double budget in Budgets)
                {
                    foreach (var estimator in (string[])["diagonal", "additive", .. pairwise ? (string[])["pairwise"] : [], "auto"])
                    {
                        Show($"| {budget} | {estimator} |", Options(model, preprocess, rounding, estimator, [2, 3, 4, 8]), budget);
                    }
                }
            }
            if (Wanted("widths"))
            {
                Console.WriteLine($"\n## {model}, {rounding.Name}, auto\n\n| bits | widths | found by | predicted | measured | on test images | top-1 |\n|---|---|---|---|---|---|---|");
                foreach (double budget in Budgets)
                {
                    foreach (var widths in WidthSets)
                    {
                        Show($"| {budget} | {string.Join(',', widths)} |", Options(model, preprocess, rounding, "auto", widths), budget);
                    }
                }
            }
        }
        return 0;
    }

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
        var pipeline = Pipeline.Measure(options);
        var result = pipeline.Allocate($"{bits}bit");
        if (result.Status == Allocation.Solver.AllocationStatus.Infeasible)
        {
            Console.WriteLine($"{start} infeasible | | | | |");
            return;
        }
        var path = Path.Combine(options.Run!, "written.onnx");
        OnnxFile.Write(ModelWriter.Build(pipeline.Graph, result.Chosen), path);
        var test = ImageFolder.Open(SharedInstances.Locate("data/cifar10/test"));
        var evaluation = Evaluator.Evaluate(path, test, options.Preprocessing, options.Model, null, options.Sensitivity.Threads);
        double measured = result.MeasuredLoss ?? pipeline.Evaluate(path, options).LossIncrease!.Value;
        var round = result.Trials.LastOrDefault(t => t.IsBest)?.Round;
        Console.WriteLine($"{start} {result.Surrogate}{(round > 0 ? $", round {round}" : "")} | {result.PredictedLoss:0.0000} | {measured:0.0000} | {evaluation.LossIncrease:0.0000} | {evaluation.Top1 * 100:0.00} % |");
    }
}
