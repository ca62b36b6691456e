using System.Text.Json;
using Clado.Records;
using static System.FormattableString;

namespace Clado.Curves;

/// <summary>The size–accuracy curve of a run on some images. The run folder keeps it as <c>sweep-….json</c>.</summary>
public sealed record Curve
{
    private static readonly (string Name, Func<CurvePoint, string> Text)[] Columns =
    [
        ("method", p => p.Method.Info().Name),
        ("budget", p => p.Budget),
        ("budgetBytes", p => Invariant($"{p.BudgetBytes}")),
        ("sizeBytes", p => Invariant($"{p.SizeBytes}")),
        ("bitsPerWeight", p => Invariant($"{p.BitsPerWeight:0.0000}")),
        ("predictedLoss", p => Invariant($"{p.PredictedLoss:G6}")),
        ("measuredLoss", p => Invariant($"{p.MeasuredLoss:G6}")),
        ("top1", p => Invariant($"{p.Top1}")),
        ("agreement", p => Invariant($"{p.Agreement}")),
        ("gap", p => Invariant($"{p.Gap:G3}")),
        ("allocation", p => string.Join(' ', p.Allocation.Values)),
        ("measure", p => p.Measure is { } measure ? JsonNamingPolicy.CamelCase.ConvertName($"{measure}") : ""),
        ("measureValue", p => Invariant($"{p.MeasureValue}")),
    ];

    /// <summary>How curves and their points are written as JSON.</summary>
    internal static JsonSerializerOptions Json => JsonText.Indented;

    /// <summary>Folder of the evaluation images.</summary>
    public required string ImagesPath { get; init; }

    /// <summary>Number of evaluation images. Range: [1, inf).</summary>
    public required int Images { get; init; }

    /// <summary>SHA-256 of the images (<see cref="Clado.Images.ImageSet.Sha256"/>): 64 lower-case hexadecimal digits.</summary>
    public required string ImagesSha256 { get; init; }

    /// <summary>How many images of the folder were used at most; null for all. Range: [1, inf).</summary>
    public int? Limit { get; init; }

    /// <summary>Seed of the choice of images.</summary>
    public int Seed { get; init; }

    /// <summary>What was asked to be added to the images' class indices; null for what the run adds to those of its own.</summary>
    public int? LabelOffset { get; init; }

    /// <summary>Rounds of measuring around each choice at most; null for the default of the run. Range: [0, inf).</summary>
    public int? Rounds { get; init; }

    /// <summary>
    /// What the files have for activations, in a word: float, 8, or 8 and how ranges were chosen. The opset follows where it is not the
    /// usual one.
    /// </summary>
    public required string Activations { get; init; }

    /// <summary>Bytes of the float file. Range: [1, inf).</summary>
    public required long FloatBytes { get; init; }

    /// <summary>
    /// Share of evaluation images whose label has the highest score of the float network; null before the first point and without labels.
    /// Range: [0, 1].
    /// </summary>
    public double? FloatTop1 { get; init; }

    /// <summary>The points by rising size. Shape: [points].</summary>
    public IReadOnlyList<CurvePoint> Points { get; init; } = [];

    /// <summary>The points of one method.</summary>
    /// <param name="method">The method.</param>
    /// <returns>The points by rising size. Shape: [points].</returns>
    public IEnumerable<CurvePoint> Of(CurveMethod method) => Points.Where(p => p.Method == method);

    /// <summary>The curve with more points. A new point replaces one of the same method and budget.</summary>
    /// <param name="points">The new points. Shape: [points].</param>
    public Curve With(IReadOnlyList<CurvePoint> points)
    {
        var distinct = points.Concat(Points).DistinctBy(p => (p.Method, p.Budget));
        return this with { Points = [.. distinct.OrderBy(p => p.SizeBytes).ThenBy(p => p.Method.Order()).ThenBy(p => p.BudgetBytes)] };
    }

    /// <summary>The points as other programs read them; their keys are a contract.</summary>
    public string ToJson() => JsonSerializer.Serialize(Points, JsonText.Relaxed);

    /// <summary>Writes the points as CSV, see <see cref="ToCsv"/>.</summary>
    /// <param name="path">Path of the file. What lies there is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void WriteCsv(string path) => AtomicFile.WriteText(path, ToCsv());

    /// <summary>
    /// The points as CSV with a header. Columns are the properties of <see cref="CurvePoint"/>; an empty field stands for null.
    /// The column allocation has the bits of the layers in the order of execution, separated by spaces.
    /// </summary>
    public string ToCsv() =>
        Csv.Of([.. Columns.Select(c => c.Name)], Points.Select(point => Columns.Select(c => c.Text(point)).ToArray()));
}
