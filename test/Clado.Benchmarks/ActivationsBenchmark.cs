using Clado.Activations;
using Clado.Evaluation;
using Clado.Images;

namespace Clado.Benchmarks;

/// <summary>Whether sensitivities measured on 8-bit activations choose better widths for files that have them.</summary>
internal static class ActivationsBenchmark
{
    private const int ImageCount = 512;
    private static readonly double[] Budgets = [2.25, 2.5, 3, 3.5];
    private static readonly string[] Estimators = ["diagonal", "additive", "auto"];

    /// <summary>Measures both ways and evaluates what each chooses, written with 8-bit activations.</summary>
    /// <param name="models">Path, name and preprocessing of each network. Shape: [networks].</param>
    /// <param name="estimators">Names of estimators among other words; all where none is named. Shape: [words].</param>
    public static void Run(IEnumerable<(string Path, string Name, Preprocessing Preprocessing)> models, string[] estimators)
    {
        Console.WriteLine("\n## Measured on float and on 8-bit activations, written with 8-bit activations\n\n"
            + "| network | estimator | bits | layers that differ | loss: float | loss: 8 bits | top-1: float | top-1: 8 bits "
            + "|\n|---|---|---|---|---|---|---|---|");
        foreach (var (path, name, preprocessing) in models)
        {
            foreach (var estimator in estimators.Intersect(Estimators).DefaultIfEmpty().SelectMany(e => e is null ? Estimators : [e]))
            {
                var (floats, rounded) = (Measure(ActivationFormat.Float), Measure(ActivationFormat.Int8));
                foreach (double budget in Budgets)
                {
                    var (first, second) = (floats.Allocate($"{budget}bit"), rounded.Allocate($"{budget}bit"));
                    int differing = first.Chosen.Zip(second.Chosen).Count(pair => pair.First.Bits != pair.Second.Bits);
                    var onFloats = Evaluated(floats, first);
                    var onIntegers = differing == 0 ? onFloats : Evaluated(rounded, second);
                    Console.WriteLine($"| {name} | {estimator} | {budget} | {differing} of {first.Chosen.Count} | "
                        + $"{onFloats.LossIncrease:0.0000} | {onIntegers.LossIncrease:0.0000} "
                        + $"| {onFloats.Top1 * 100:0.00} % | {onIntegers.Top1 * 100:0.00} % |");
                }

                MeasuredRun Measure(ActivationFormat format) => Pipeline.Measure(new PipelineOptions
                {
                    Model = path,
                    Images = SharedInstances.Locate("data/cifar10/calibration"),
                    Preprocessing = preprocessing,
                    Limit = ImageCount,
                    MeasuredActivations = format,
                    Estimator = estimator,
                    Run = Path.Combine(Path.GetTempPath(), "clado-activations", $"{name}-{estimator}-{format}"),
                });
            }

            EvaluationResult Evaluated(MeasuredRun pipeline, Allocation.AllocationResult allocation)
            {
                var file = Path.Combine(pipeline.RunPath, "written.onnx");
                pipeline.Deploy(allocation, file).Commit();
                return Evaluator.Evaluate(file, new EvaluationOptions
                {
                    Images = SharedInstances.Locate("data/cifar10/test"),
                    Preprocessing = preprocessing,
                    Reference = path,
                });
            }
        }
    }
}
