using Clado.Allocation;
using Clado.Graphs;
using Clado.Runs;

namespace Clado;

/// <content>What is found, as other programs read it, and in the run folder.</content>
public sealed partial class MeasuredRun
{
    /// <summary>Keeps what is known of a written model in the run folder: the choice and its evaluation. Reports read it there.</summary>
    /// <param name="model">The model.</param>
    public void Keep(DeployedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Evaluation is { } evaluation)
        {
            folder.WriteJson("evaluation", Path.GetFileNameWithoutExtension(model.Path), evaluation.ToJson());
        }
        folder.WriteJson("allocation", NameOf(model.Allocation), ToJson(model));
    }

    /// <summary>An allocation as other programs read it; its keys are a contract (docs/pipeline.md).</summary>
    /// <param name="result">The allocation.</param>
    public string ToJson(AllocationResult result) => AllocationFile.Of(Outcome(result));

    /// <summary>A written model as other programs read it, with the same keys and more.</summary>
    /// <param name="model">The model.</param>
    public string ToJson(DeployedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return AllocationFile.Of(Outcome(model.Allocation) with
        {
            Kept = model.Kept,
            Activations = model.Activations,
            Output = model.Path,
            Evaluation = model.Evaluation,
            Parity = model.Parity,
            Biases = model.Biases,
            Tuning = model.Tuning,
            Scales = Scales,
        });
    }

    private AllocationOutcome Outcome(AllocationResult result) => new(result, Estimator, WrittenAs)
    {
        Kept = Kept,
        Decision = Readout.Of(Graph).Decision,
        ImagesUsed = folder.Description.ImageCount,
        ImagesFound = folder.Description.ImagesFound,
    };

    /// <summary>What tells an allocation from others of the run: budget, what is written, and rounds other than the default.</summary>
    private string NameOf(AllocationResult result) => result.Budget.Text
        + (result.IsPredicted ? "-predicted" : "")
        + (WrittenAs == "8" ? "" : $"-{WrittenAs}")
        + (result.Rounds is { } count && count != OwnRounds ? $"-rounds{count}" : "");
}
