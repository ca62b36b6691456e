using System.Text.Encodings.Web;
using System.Text.Json;
using Clado.Allocation;
using Clado.Evaluation;
using Clado.Losses;
using Clado.Records;
using Clado.Sweeps;

namespace Clado.Cli.Output;

/// <summary>The JSON other programs read; its keys are a contract. Fractions are 0–1, sizes bytes, losses nats; what was not measured is absent, what is no number is null.</summary>
internal static class Json
{
    // Nothing here stands in a page: names keep their quotes and accents.
    private static readonly JsonSerializerOptions Options = new(JsonText.Indented) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(Inspection inspection) => JsonSerializer.Serialize(
        new
        {
            model = inspection.Model,
            opset = inspection.Opset,
            parameters = inspection.Layers.Layers.Sum(l => l.Parameters),
            macs = inspection.Layers.Layers.Sum(l => l.Macs),
            sizeBytes = inspection.SizeBytes,
            layers = inspection.Layers.Layers.Select(l => new { l.Name, l.Op, l.Shape, l.Parameters, l.Macs, l.Groups }),
            kept = inspection.Layers.Kept.Select(k => new { k.Name, k.Op, k.Reason }),
        },
        Options);

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
        Options);

    /// <param name="points">Points of a curve. Shape: [points].</param>
    public static string Of(IReadOnlyList<CurvePoint> points) => JsonSerializer.Serialize(points, Options);

    /// <param name="result">The allocation.</param>
    /// <param name="estimator">Name of the estimator that was asked for.</param>
    /// <param name="writtenAs">What activations are written as, see <see cref="MeasuredRun.WrittenAs"/>.</param>
    /// <param name="output">Path of the written file, or null.</param>
    /// <param name="measuredLoss">Loss increase measured on the written file, or null where that is not done.</param>
    /// <param name="parity">How close the written file is to its simulation, or null where that is not checked.</param>
    /// <param name="biases">What corrected biases gain, or null where none are or that is not measured.</param>
    /// <param name="scales">Units of the outputs, or null where the loss needs none. Shape: [outputs].</param>
    public static string Of(
        AllocationResult result, string estimator, string writtenAs, string? output = null, double? measuredLoss = null,
        ParityResult? parity = null, BiasEffect? biases = null, IReadOnlyList<OutputScale>? scales = null)
    {
        bool found = result.Chosen.Count > 0;
        double? Known(double value) => found && double.IsFinite(value) ? value : null;
        return JsonSerializer.Serialize(
            new
            {
                status = result.Status.ToString().ToLowerInvariant(),
                sizeBytes = found ? result.SizeBytes : (long?)null,
                budgetBytes = result.Budget.FileBytes,
                bitsPerWeight = Known(result.BitsPerWeight),
                objective = Known(result.Objective),
                bound = Known(result.Bound),
                gap = Known(result.Gap),
                predictedLoss = Known(result.PredictedLoss),
                measuredLoss = measuredLoss ?? result.MeasuredLoss,
                budget = result.Budget.Text,
                activations = writtenAs,
                estimator,
                surrogate = found ? result.Surrogate : null,
                trials = result.Trials.Count > 0 ? result.Trials : null,
                layers = result.Chosen.Select(c => new { c.Layer.Name, c.Bits, c.Layer.Parameters, c.SizeBytes }),
                output,
                parity,
                biases,
                outputs = scales?.Select(s => new { Name = s.Output, Parts = s.Parts.Count, Axes = s.Parts.Axes.Select(a => a.Axis) }),
                smallestBytes = result.SmallestBytes,
                unreachable = result.Unreachable,
            },
            Options);
    }
}
