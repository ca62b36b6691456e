using System.Text.Json;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Records;

namespace Clado.Runs;

/// <summary>What <c>allocation-….json</c> holds, as a point of a curve. Other programs read it, too: its keys are a contract.</summary>
/// <param name="WrittenAs">What activations the choice was made for, see <see cref="Curve.Activations"/>; null where nothing says.</param>
/// <param name="Point">The choice.</param>
/// <param name="Output">Path of the file that was written; null where none was.</param>
internal sealed record AllocationFile(string? WrittenAs, CurvePoint Point, string? Output)
{
    /// <summary>
    /// Writes an allocation. Fractions are 0–1, sizes bytes, losses nats; what was not measured is absent, what is no number is null.
    /// </summary>
    public static string Of(AllocationOutcome outcome)
    {
        var result = outcome.Result;
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
                result.OperatingLoss,
                measuredLoss = outcome.Evaluation?.LossIncrease ?? result.MeasuredLoss,
                measuredLossError = outcome.Evaluation?.LossIncreaseError,
                outcome.Evaluation?.Top1,
                outcome.Evaluation?.Agreement,
                outcome.Evaluation?.Measures?.Measure,
                measureValue = outcome.Evaluation?.Measures?.Value,
                weightLoss = outcome.Activations?.WeightLoss,
                activationLoss = outcome.Activations?.ActivationLoss,
                activationRepair = outcome.Activations?.Repair,
                budget = result.Budget.Text,
                task = outcome.Decision.Name,
                taskReason = outcome.Decision.Reason,
                activations = outcome.WrittenAs,
                outcome.Estimator,
                outcome.ImagesUsed,
                outcome.ImagesFound,
                surrogate = found ? result.Surrogate : null,
                trials = result.Trials.Count > 0 ? result.Trials : null,
                result.Reason,
                layers = result.Chosen.Select(c => new
                {
                    c.Layer.Name,
                    c.Bits,
                    c.Layer.Parameters,
                    c.SizeBytes,
                    MeanBits = c.IsWhole ? (double?)null : c.MeanBits,
                    c.RowBits,
                }),
                keptBytes = outcome.Kept.Sum(k => k.Bytes),
                kept = outcome.Kept.Select(k => new { k.Name, k.Op, k.Reason, k.Constant, k.Bytes }),
                outcome.Output,
                outcome.Parity,
                outcome.Biases,
                outcome.Tuning,
                outputs = outcome.Scales?.Select(scale => new
                {
                    Name = scale.Output,
                    Parts = scale.Parts.Count,
                    Axes = scale.Parts.Axes.Select(a => a.Axis),
                }),
                smallestBytes = result.SmallestBytes,
                unreachable = result.Unreachable,
                result.Growth,
            },
            JsonText.Relaxed);
    }

    /// <summary>Reads an allocation.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="name">What the budget is called where the file does not say.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public static AllocationFile Read(Stream stream, string name)
    {
        using var json = JsonDocument.Parse(stream);
        var root = json.RootElement;
        // A number that is none is written as null.
        double? Number(string key) =>
            root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetDouble() : null;
        string? Text(string key) => root.TryGetProperty(key, out var value) ? value.GetString() : null;
        var allocation = new Dictionary<string, int>();
        var rows = new Dictionary<string, IReadOnlyDictionary<int, int>>();
        foreach (var layer in root.GetProperty("layers").EnumerateArray())
        {
            var layerName = layer.GetProperty("name").GetString() ?? throw new JsonException("a layer without a name");
            allocation[layerName] = layer.GetProperty("bits").GetInt32();
            if (layer.TryGetProperty("rowBits", out var bits) && bits.ValueKind == JsonValueKind.Array)
            {
                rows[layerName] = bits.EnumerateArray().CountBy(width => width.GetInt32()).OrderBy(own => own.Key).ToDictionary();
            }
        }
        var point = new CurvePoint
        {
            Method = CurveMethod.Clado,
            Budget = Text("budget") ?? name,
            BudgetBytes = root.TryGetProperty("budgetBytes", out var bytes) ? bytes.GetInt64() : null,
            SizeBytes = root.GetProperty("sizeBytes").GetInt64(),
            BitsPerWeight = root.GetProperty("bitsPerWeight").GetDouble(),
            PredictedLoss = Number("predictedLoss"),
            MeasuredLoss = Number("measuredLoss"),
            MeasuredLossError = Number("measuredLossError"),
            Top1 = Number("top1"),
            Agreement = Number("agreement"),
            Measure = Text("measure") is { } measure ? Enum.Parse<MeasureKind>(measure, ignoreCase: true) : null,
            MeasureValue = Number("measureValue"),
            Gap = Number("gap"),
            Allocation = allocation,
            RowWidths = rows.Count > 0 ? rows : null,
        };
        return new AllocationFile(Text("activations"), point.Checked(), Text("output"));
    }
}
