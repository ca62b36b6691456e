using System.Text.Json;
using Clado.Records;
using static System.FormattableString;

namespace Clado.Sweeps;

/// <summary>The size–accuracy curve of a run on some images: what <c>sweep-….json</c> in the run folder holds.</summary>
public sealed record Curve
{
    /// <summary>How curves and their points are written as JSON.</summary>
    internal static JsonSerializerOptions Json => JsonText.Indented;

    /// <summary>Folder of the evaluation images.</summary>
    public required string ImagesPath { get; init; }

    /// <summary>Number of evaluation images.</summary>
    public required int Images { get; init; }

    /// <summary>SHA-256 of the evaluation images: lower-case hexadecimal.</summary>
    public required string ImagesSha256 { get; init; }

    /// <summary>Images of the folder used at most, or null.</summary>
    public int? Limit { get; init; }

    /// <summary>Seed of the choice of images.</summary>
    public int Seed { get; init; }

    /// <summary>Rounds of measuring around each choice at most; null for the default.</summary>
    public int? Rounds { get; init; }

    /// <summary>What activations of the written files are: float, 8, or 8 and how their ranges were chosen; and the files' opset where it is not the usual one.</summary>
    public required string Activations { get; init; }

    /// <summary>Bytes of the float file.</summary>
    public required long FloatBytes { get; init; }

    /// <summary>Top-1 of the float network; null before the first point, and without labels. Range: [0, 1].</summary>
    public double? FloatTop1 { get; init; }

    /// <summary>The points by size. Shape: [points].</summary>
    public IReadOnlyList<CurvePoint> Points { get; init; } = [];

    /// <summary>The points of a method by size. Shape: [points].</summary>
    /// <param name="method">The method.</param>
    public IEnumerable<CurvePoint> Of(CurveMethod method) => Points.Where(p => p.Method == method);

    /// <summary>The curve with more points; one of the same method and budget takes the place of what is there.</summary>
    /// <param name="points">The new points. Shape: [points].</param>
    public Curve With(IReadOnlyList<CurvePoint> points) => this with
    {
        Points = [.. points.Concat(Points).DistinctBy(p => (p.Method, p.Budget)).OrderBy(p => p.SizeBytes).ThenBy(p => p.Method).ThenBy(p => p.BudgetBytes)],
    };

    /// <summary>The points as other programs read them; their keys are a contract.</summary>
    public string ToJson() => JsonSerializer.Serialize(Points, JsonText.Relaxed);

    /// <summary>Writes the points as CSV, see <see cref="ToCsv"/>.</summary>
    /// <param name="path">Path of the file.</param>
    public void WriteCsv(string path) => AtomicFile.WriteText(path, ToCsv());

    /// <summary>The points as CSV with a header; bits of the layers in the order of execution, separated by spaces.</summary>
    public string ToCsv() => Csv.Of(
        ["method", "budget", "budgetBytes", "sizeBytes", "bitsPerWeight", "predictedLoss", "measuredLoss", "top1", "agreement", "gap", "allocation"],
        Points.Select(p => (string[])
        [
            JsonNamingPolicy.CamelCase.ConvertName($"{p.Method}"), p.Budget, $"{p.BudgetBytes}", $"{p.SizeBytes}", Invariant($"{p.BitsPerWeight:0.0000}"), Invariant($"{p.PredictedLoss:G6}"),
            Invariant($"{p.MeasuredLoss:G6}"), Invariant($"{p.Top1}"), Invariant($"{p.Agreement}"), Invariant($"{p.Gap:G3}"), string.Join(' ', p.Allocation.Values),
        ]));
}
