using System.Text.RegularExpressions;
using Clado.Activations;
using Clado.Allocation;
using Clado.Curves;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What came out, in a line a question: what was chosen, how large it is, what it loses, and beside what.</summary>
internal static partial class SummaryViews
{
    /// <summary>Of a choice.</summary>
    public static void ShowSummary(this Terminal terminal, MeasuredRun run, AllocationResult result)
    {
        terminal.Data(Chosen(result));
        terminal.Data(Size(result, run.ModelBytes));
        string measured = result.MeasuredLoss is { } all
            ? Invariant($"; {all:0.0000} measured with these weights and activations in floats, on all images of the run") : "";
        string around = result.OperatingLoss is { } seen
            ? Invariant($"; {seen:0.0000} at the operating point, on the images that sensitivities are measured on") : "";
        string predicted = Invariant($"{result.PredictedLoss:0.0000} predicted before measuring ({run.Sensitivity.Loss})");
        terminal.Data($"loss: {predicted}{measured}{around}");
    }

    /// <summary>Of a written file.</summary>
    /// <param name="terminal">Where it is said.</param>
    /// <param name="run">The run.</param>
    /// <param name="model">The file.</param>
    /// <param name="uniform">Networks of one width beside it. Shape: [networks].</param>
    public static void ShowSummary(this Terminal terminal, MeasuredRun run, DeployedModel model, IReadOnlyList<CurvePoint>? uniform = null)
    {
        terminal.Data(Chosen(model.Allocation));
        terminal.Data(Size(model.Allocation, run.ModelBytes));
        terminal.Data(Loss(run, model));
        terminal.Data(Activations(run, model.Activations));
        if (uniform is { Count: > 0 })
        {
            var others = uniform.OrderBy(point => point.SizeBytes).Select(point =>
                Invariant($"{point.BitsPerWeight:0.##} bits {point.SizeBytes:N0} bytes, loss {point.MeasuredLoss:0.0000}"));
            terminal.Data($"uniform widths beside it: {string.Join("; ", others)}");
        }
    }

    /// <summary>What was chosen and why, and what is proven of it.</summary>
    internal static string Chosen(AllocationResult result)
    {
        var proof = result.Status == AllocationStatus.Optimal ? "proven: none that keep the budget are better by it"
            : Invariant($"proven: at most {result.Gap:P1} worse by it than the best that keep the budget");
        return $"chosen: the widths of least loss by {Objective(result.Surrogate)} ({proof})"
            + (result.Reason is { } reason ? $"; {reason}" : "");
    }

    /// <summary>What a surrogate adds up, in plain words.</summary>
    /// <param name="surrogate">Its name.</param>
    internal static string Objective(string surrogate)
    {
        var parts = SurrogateName().Match(surrogate);
        var reach = parts.Groups["reach"].Value is { Length: > 0 } count
            ? $", among those that change at most {count} {(count == "1" ? "layer" : "layers")} of the choice before" : "";
        var how = parts.Groups["name"].Value == "diagonal" ? "what layers lose one by one"
            : parts.Groups["shrunk"].Success ? "what layers lose one by one and in pairs, pairs as far as they are known"
            : parts.Groups["share"].Value switch
            {
                "/2" => "what layers lose one by one, and half of what pairs do",
                "/4" => "what layers lose one by one, and a quarter of what pairs do",
                _ => "what layers lose one by one and in pairs",
            };
        return $"{how} ({surrogate}){reach}";
    }

    private static string Size(AllocationResult result, long modelBytes)
    {
        double size = result.SizeBytes;
        string budget = result.Budget.FileBytes is { } bytes ? Invariant($", {size / bytes:P1} of the budget's {bytes:N0}") : "";
        return Invariant($"size: {result.SizeBytes:N0} bytes{budget}, ")
            + Invariant($"{size / modelBytes:P1} of the model's {modelBytes:N0}; {result.BitsPerWeight:0.000} bits a weight");
    }

    private static string Loss(MeasuredRun run, DeployedModel model)
    {
        var predicted = Invariant($"loss: {model.Allocation.PredictedLoss:0.0000} predicted before measuring");
        if (model.Evaluation is not { } evaluation)
        {
            return $"{predicted} ({run.Sensitivity.Loss})";
        }
        string how = model.Tuning is { IsKept: true } ? ", tuned"
            : model.Tuning is { IsRefined: true } || model.Refinement is { IsKept: true } ? ", rounded again" : "";
        return predicted + Invariant($", {evaluation.LossIncrease:0.0000} measured on the written file ")
            + Invariant($"({run.Sensitivity.Loss}{how}, the {evaluation.Images:N0} images it was chosen on)")
            + (evaluation.Agreement is { } agreement ? Invariant($"; top-1 agrees with FP32 on {agreement:P1}") : "")
            + (evaluation.Measures is { } measures ? $"; {MeasureViews.Line(measures)}" : "");
    }

    private static string Activations(MeasuredRun run, ActivationEffect? activations) => activations is { } effect
        ? Invariant($"activations: of the file's loss {effect.FileLoss:0.0000} they cost {effect.ActivationLoss:0.0000}, ")
            + Invariant($"weights {effect.WeightLoss:0.0000} ({effect.Images:N0} images)")
        : run.WrittenAs.StartsWith("keep", StringComparison.Ordinal) ? "activations: on the grids that the model has"
        : "activations: stay floats, which costs no loss";

    // An estimator, a share of its cross terms, and what else tells it from others: see Surrogate.
    [GeneratedRegex(@"^(?<name>[\w-]+)(?<share>/\d)?(?<shrunk>, shrunk)?(?:, layers)?(?:, (?<reach>\d+) layers?)?$")]
    private static partial Regex SurrogateName();
}
