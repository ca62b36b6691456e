using System.Text.Json;
using Clado.Evaluation;
using Clado.Records;

namespace Clado.Runs;

/// <summary>What <c>evaluation-….json</c> holds. Other programs read it: its keys are a contract.</summary>
internal static class EvaluationFile
{
    /// <summary>
    /// Writes an evaluation. Fractions are 0–1, sizes bytes, losses nats; what was not measured is absent, what is no number is null.
    /// </summary>
    public static string Of(EvaluationResult result) => JsonSerializer.Serialize(
        new
        {
            result.Model,
            result.Images,
            result.Labelled,
            result.Top1,
            result.Top5,
            result.Loss,
            result.Agreement,
            result.LossIncrease,
            result.SizeBytes,
            result.LatencyMilliseconds,
            result.ReferenceLatencyMilliseconds,
        },
        JsonText.Relaxed);
}
