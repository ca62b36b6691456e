using Clado.Comparisons;
using Clado.Tuning;

namespace Clado.Reports;

/// <summary>A comparison of metrics: one curve a metric, and a map of bits.</summary>
/// <param name="Images">Images it was evaluated on.</param>
/// <param name="Loss">Name of the loss.</param>
/// <param name="IsTuned">Whether choices were tuned before they were evaluated.</param>
/// <param name="Budgets">The budgets. Shape: [budgets].</param>
/// <param name="Metrics">The metrics that could work, the least mean regret first. Shape: [metrics].</param>
/// <param name="Problems">The others, and why. Shape: [metrics].</param>
internal sealed record ReportComparison(
    int Images, string Loss, bool IsTuned, IReadOnlyList<string> Budgets, IReadOnlyList<ReportMetric> Metrics,
    IReadOnlyList<ReportOption> Problems)
{
    /// <summary>What the page shows of a comparison.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <param name="layers">Names of the run's layers. Shape: [layers].</param>
    /// <param name="words">What becomes of sentences that name the library's settings.</param>
    /// <returns>null where it is of other layers.</returns>
    public static ReportComparison? Of(Comparison comparison, IReadOnlyList<string> layers, Func<string, string> words) =>
        !comparison.Layers.SequenceEqual(layers) ? null : new(
            comparison.Images,
            comparison.Loss,
            comparison.Tune == TuningMethod.Network,
            comparison.Budgets,
            [
                .. comparison.Metrics.Where(metric => metric.Problem is null).Select(metric => new ReportMetric(
                    metric.Name, metric.Source, metric.MeanRegret, metric.Passes, metric.Seconds,
                    [.. comparison.Rows.Where(row => row.Metric == metric.Name).OrderBy(row => row.SizeBytes).Select(ReportChoice.Of)])),
            ],
            [
                .. comparison.Metrics.Where(metric => metric.Problem is not null)
                    .Select(metric => new ReportOption(metric.Name, words(metric.Problem!))),
            ]);
}

/// <summary>A metric.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">Paper and formula.</param>
/// <param name="MeanRegret">By which share its losses are above the least, mean over budgets; null where it has none.</param>
/// <param name="Passes">Full passes it took.</param>
/// <param name="Seconds">Seconds it took.</param>
/// <param name="Choices">Its choices by rising size. Shape: [budgets].</param>
internal sealed record ReportMetric(
    string Name, string Source, double? MeanRegret, double Passes, double Seconds, IReadOnlyList<ReportChoice> Choices);

/// <summary>What a metric chose for a budget.</summary>
/// <param name="Budget">The budget.</param>
/// <param name="SizeBytes">Bytes of the file.</param>
/// <param name="Loss">What it loses.</param>
/// <param name="Error">Standard error of that.</param>
/// <param name="WithinNoise">Whether chance may make the distance to the best.</param>
/// <param name="Accuracy">Top-1, or agreement, or the task's measure; null where none is known.</param>
/// <param name="Bits">Bits of the layers. Shape: [layers].</param>
internal sealed record ReportChoice(
    string Budget, long SizeBytes, double Loss, double Error, bool WithinNoise, double? Accuracy, IReadOnlyList<int> Bits)
{
    /// <summary>Of a row.</summary>
    public static ReportChoice Of(ComparisonRow row) => new(
        row.Budget, row.SizeBytes, row.Loss, row.LossStandardError, row.WithinNoise, row.Top1 ?? row.Agreement ?? row.MeasureValue,
        row.Allocation);
}
