using Clado.Comparisons;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a comparison of metrics.</summary>
internal static class ComparisonViews
{
    /// <summary>A table a budget, one of the metrics, and what could not be compared.</summary>
    public static void Show(this Terminal terminal, Comparison comparison)
    {
        foreach (var budget in comparison.Budgets)
        {
            terminal.Data($"{budget}:");
            terminal.Show(Table([.. comparison.Rows.Where(row => row.Budget == budget)], comparison.Layers.Count));
        }
        var metrics = new TextTable(("metric", false), ("mean regret", true), ("passes", true), ("seconds", true), ("source", false));
        foreach (var metric in comparison.Metrics.Where(metric => metric.Problem is null))
        {
            metrics.Row(
                metric.Name, metric.MeanRegret is { } regret ? Invariant($"{100 * regret:0.0} %") : "–", Invariant($"{metric.Passes:N1}"),
                Invariant($"{metric.Seconds:N1}"), metric.Source);
        }
        terminal.Show(metrics);
        foreach (var metric in comparison.Metrics.Where(metric => metric.Problem is not null))
        {
            terminal.Data($"{metric.Name}: not compared: {metric.Problem}");
        }
        string accuracy = comparison.FloatTop1 is { } top1 ? $"; FP32 top-1 {Terminal.Percent(top1)}" : "";
        terminal.Data(Invariant($"evaluated on {comparison.Images:N0} images of {comparison.ImagesPath}{accuracy}; ")
            + "≈: within two standard errors of the best, image by image; "
            + "regret: how much more is lost than by the best, mean over budgets");
    }

    private static TextTable Table(ComparisonRow[] rows, int layers)
    {
        var measure = rows.FirstOrDefault(row => row.Measure is not null)?.Measure;
        (string, bool)[] measured = measure is { } own ? [(own.Title(), true)] : [("top-1", true), ("agreement", true)];
        var table = new TextTable(
        [
            ("metric", false), ("loss", true), ("±", true), ("", true), ("quartiles", true), .. measured, ("bytes", true),
            ("bits a weight", true), ("layers differing", true),
        ]);
        foreach (var row in rows)
        {
            table.Row(
            [
                row.Metric, Invariant($"{row.Loss:0.0000}"), Invariant($"{row.LossStandardError:0.0000}"), row.WithinNoise ? "≈" : "",
                row.LossLow is { } low ? Invariant($"{low:0.0000}–{row.LossHigh:0.0000}") : "",
                .. measure is { } kind
                    ? [MeasureViews.Value(kind, row.MeasureValue)]
                    : (string[])[Terminal.Percent(row.Top1), Terminal.Percent(row.Agreement)],
                Invariant($"{row.SizeBytes:N0}"), Invariant($"{row.BitsPerWeight:0.00}"), Invariant($"{row.LayersDiffering} of {layers}"),
            ]);
        }
        return table;
    }
}
