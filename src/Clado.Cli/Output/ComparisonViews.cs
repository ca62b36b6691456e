using Clado.Comparisons;
using Clado.Evaluation;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a comparison of metrics.</summary>
internal static class ComparisonViews
{
    /// <summary>A table a budget, and one of the metrics.</summary>
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
        if (comparison.Tune != TuningMethod.None)
        {
            terminal.Data("choices were tuned before they were evaluated, each kept as far as images that were held back lose less");
        }
        string accuracy = comparison.FloatTop1 is { } top1 ? $"; FP32 top-1 {Terminal.Percent(top1)}" : "";
        terminal.Data(Invariant($"evaluated on {comparison.Images:N0} images of {comparison.ImagesPath}{accuracy}; ")
            + "≈: within two standard errors of the best, image by image; "
            + "regret: how much more is lost than by the best, mean over budgets");
        terminal.Data(Invariant($"passes: of the whole network over the run's images; all metrics together took {comparison.Passes:N1}, ")
            + "counting once what several need");
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
                row.Metric, Loss(row.Loss), Loss(row.LossStandardError), row.WithinNoise ? "≈" : "",
                row.LossLow is { } low ? $"{Loss(low)}–{Loss(row.LossHigh!.Value)}" : "",
                .. measure is { } kind
                    ? [MeasureViews.Value(kind, row.MeasureValue)]
                    : (string[])[Terminal.Percent(row.Top1), Terminal.Percent(row.Agreement)],
                Invariant($"{row.SizeBytes:N0}"), Invariant($"{row.BitsPerWeight:0.00}"), Invariant($"{row.LayersDiffering} of {layers}"),
            ]);
        }
        return table;
    }

    /// <summary>Digits enough to tell losses of one budget apart.</summary>
    private static string Loss(double value) => Math.Abs(value) >= 0.01 ? Invariant($"{value:0.0000}") : Invariant($"{value:0.000000}");
}
