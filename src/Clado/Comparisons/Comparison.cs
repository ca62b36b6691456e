using System.Text.Json;
using Clado.Records;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado.Comparisons;

/// <summary>
/// Metrics side by side: what the choice of each loses at each budget. The run folder keeps it as <c>comparison-….json</c>.
/// </summary>
public sealed record Comparison
{
    private static readonly (string Name, Func<ComparisonRow, string> Text)[] Columns =
    [
        ("metric", r => r.Metric),
        ("budget", r => r.Budget),
        ("sizeBytes", r => Invariant($"{r.SizeBytes}")),
        ("bitsPerWeight", r => Invariant($"{r.BitsPerWeight:0.0000}")),
        ("loss", r => Invariant($"{r.Loss:G6}")),
        ("lossStandardError", r => Invariant($"{r.LossStandardError:G3}")),
        ("lossLow", r => Invariant($"{r.LossLow:G6}")),
        ("lossHigh", r => Invariant($"{r.LossHigh:G6}")),
        ("regret", r => Invariant($"{r.Regret:G6}")),
        ("regretStandardError", r => Invariant($"{r.RegretStandardError:G3}")),
        ("withinNoise", r => r.WithinNoise ? "yes" : "no"),
        ("top1", r => Invariant($"{r.Top1}")),
        ("agreement", r => Invariant($"{r.Agreement}")),
        ("measure", r => r.Measure is { } measure ? JsonNamingPolicy.CamelCase.ConvertName($"{measure}") : ""),
        ("measureValue", r => Invariant($"{r.MeasureValue}")),
        ("gap", r => Invariant($"{r.Gap:G3}")),
        ("passes", r => Invariant($"{r.Passes:0.0}")),
        ("seconds", r => Invariant($"{r.Seconds:0.00}")),
        ("layersDiffering", r => Invariant($"{r.LayersDiffering}")),
        ("allocation", r => string.Join(' ', r.Allocation)),
    ];

    /// <summary>Folder of the evaluation images.</summary>
    public required string ImagesPath { get; init; }

    /// <summary>Number of evaluation images. Range: [1, inf).</summary>
    public required int Images { get; init; }

    /// <summary>SHA-256 of the images: 64 lower-case hexadecimal digits.</summary>
    public required string ImagesSha256 { get; init; }

    /// <summary>What the files have for activations, in a word.</summary>
    public required string Activations { get; init; }

    /// <summary>What was done with codes, scales and biases of the choices before they were evaluated.</summary>
    public TuningMethod Tune { get; init; }

    /// <summary>Name of the loss: kl, ce, mse or cosine.</summary>
    public required string Loss { get; init; }

    /// <summary>Share of the images whose label has the float network's highest score; null without labels. Range: [0, 1].</summary>
    public double? FloatTop1 { get; init; }

    /// <summary>Names of the layers, in the order of execution. Shape: [layers].</summary>
    public required IReadOnlyList<string> Layers { get; init; }

    /// <summary>The budgets that choices were made for. Shape: [budgets].</summary>
    public required IReadOnlyList<string> Budgets { get; init; }

    /// <summary>
    /// Full passes over the run's images that all metrics took together: what several need counts once, and so does a network that is tried
    /// at several budgets. Range: [0, inf).
    /// </summary>
    public double Passes { get; init; }

    /// <summary>The metrics, those of least mean regret first, those that could not work last. Shape: [metrics].</summary>
    public required IReadOnlyList<ComparedMetric> Metrics { get; init; }

    /// <summary>Budget by budget, the least loss first. Shape: [rows].</summary>
    public required IReadOnlyList<ComparisonRow> Rows { get; init; }

    /// <summary>The rows as other programs read them; their keys are a contract.</summary>
    public string ToJson() => JsonSerializer.Serialize(Rows, JsonText.Relaxed);

    /// <summary>Writes the rows as CSV, see <see cref="ToCsv"/>.</summary>
    /// <param name="path">Path of the file. What lies there is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void WriteCsv(string path) => AtomicFile.WriteText(path, ToCsv());

    /// <summary>
    /// The rows as CSV with a header. Columns are the properties of <see cref="ComparisonRow"/>; an empty field stands for null. The column
    /// allocation has the bits of the layers in the order of execution, separated by spaces.
    /// </summary>
    public string ToCsv() => Csv.Of([.. Columns.Select(c => c.Name)], Rows.Select(row => Columns.Select(c => c.Text(row)).ToArray()));

    /// <summary>This comparison, as long as there can be one like it.</summary>
    /// <exception cref="JsonException">A number is out of its range.</exception>
    internal Comparison Checked() => Images >= 1 && Layers.Count > 0 && Metrics.All(metric => metric is not null)
        && Rows.All(row => row is not null && row.SizeBytes >= 1 && row.Allocation.Count == Layers.Count
            && row.Allocation.All(bits => bits is >= 1 and <= 32) && row.Top1 is null or (>= 0 and <= 1))
            ? this
            : throw new JsonException("no images, or a row that no network can have");
}

/// <summary>A metric that was compared.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, in a few words.</param>
/// <param name="Source">Paper and formula.</param>
public sealed record ComparedMetric(string Name, string Description, string Source)
{
    /// <summary>Full passes over the run's images that it took, as if it had been measured alone. Range: [0, inf).</summary>
    public double Passes { get; init; }

    /// <summary>Seconds that took, choosing not included; of what a run measured before, what it took then. Range: [0, inf).</summary>
    public double Seconds { get; init; }

    /// <summary>
    /// By which share its losses are above the least of all metrics, mean over the budgets; null where it has no choice at one of them, or
    /// the least loss is not above 0.
    /// </summary>
    public double? MeanRegret { get; init; }

    /// <summary>Why it could not work, in a sentence without its end; null where it could.</summary>
    public string? Problem { get; init; }
}
