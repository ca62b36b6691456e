using System.Text.Json;
using Clado.Sweeps;

namespace Clado.Runs;

/// <summary>What <c>allocation-….json</c> holds, as a point of a curve.</summary>
/// <param name="WrittenAs">What activations the choice was made for, see <see cref="Curve.Activations"/>; null where the file does not say.</param>
/// <param name="Point">The choice.</param>
internal sealed record AllocationFile(string? WrittenAs, CurvePoint Point)
{
    /// <summary>Reads an allocation.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="name">What the budget is called where the file does not say.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public static AllocationFile Read(Stream stream, string name)
    {
        using var json = JsonDocument.Parse(stream);
        var root = json.RootElement;
        // A number that is none is written as null.
        double? Number(string key) => root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetDouble() : null;
        string? Text(string key) => root.TryGetProperty(key, out var value) ? value.GetString() : null;
        var allocation = new Dictionary<string, int>();
        foreach (var layer in root.GetProperty("layers").EnumerateArray())
        {
            allocation[layer.GetProperty("name").GetString() ?? throw new JsonException("a layer without a name")] = layer.GetProperty("bits").GetInt32();
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
            Gap = Number("gap"),
            Allocation = allocation,
        };
        return new AllocationFile(Text("activations"), point.Checked());
    }
}
