using Clado.Allocation;
using Clado.Curves;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a choice.</summary>
internal static class AllocationViews
{
    // Layers a line of the compact chart, where the window is not narrower.
    private const int ChartWidth = 64;
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    public static void Show(this Terminal terminal, AllocationResult result)
    {
        var table = new TextTable(("layer", false), ("bits", true), ("", false), ("weights", true), ("bytes", true));
        foreach (var c in result.Chosen)
        {
            table.Row(
                c.Layer.Name, Bits(c), new string('█', (int)Math.Round(c.MeanBits)),
                Invariant($"{c.Layer.Parameters:N0}"), Invariant($"{c.SizeBytes:N0}"));
        }
        terminal.Show(table);
        terminal.ShowTrials(result);
    }

    /// <summary>Bits of the layers from input to output, a column a layer, and the uniform widths next to the file's size.</summary>
    public static void ShowChart(
        this Terminal terminal, AllocationResult result, EvaluationResult evaluation, IReadOnlyList<CurvePoint> uniform)
    {
        string rounded = result.Chosen.Any(c => c.RowBits is not null) ? ", rounded where its rows have several widths" : "";
        terminal.Data($"bits of each layer, from input to output{rounded}:");
        foreach (var line in result.Chosen.Select(c => (int)Math.Round(c.MeanBits)).Chunk(Math.Min(ChartWidth, terminal.Width - 2)))
        {
            terminal.Data("  " + string.Concat(line.Select(bits => Blocks[bits])));
            terminal.Data("  " + string.Concat(line));
        }
        var measure = evaluation.Measures?.Measure;
        var table = new TextTable(
            ("at this size", false), ("bytes", true), ("bits", true), ("loss", true),
            (measure?.Title() ?? "agreement", true));
        var rows = uniform
            .Select(p => (Name: "uniform " + p.Budget, p.SizeBytes, p.BitsPerWeight, Loss: p.MeasuredLoss, p.Agreement, p.MeasureValue))
            .Append((
                Name: "this file", result.SizeBytes, result.BitsPerWeight, Loss: evaluation.LossIncrease, evaluation.Agreement,
                MeasureValue: evaluation.Measures?.Value));
        foreach (var row in rows.OrderBy(r => r.SizeBytes))
        {
            table.Row(
                row.Name, Invariant($"{row.SizeBytes:N0}"), Invariant($"{row.BitsPerWeight:0.00}"), Invariant($"{row.Loss:0.0000}"),
                measure is { } kind ? MeasureViews.Value(kind, row.MeasureValue) : Terminal.Percent(row.Agreement));
        }
        terminal.Show(table);
    }

    /// <summary>What each surrogate proposed and what that was worth on the network; equal choices of a round in one line.</summary>
    private static void ShowTrials(this Terminal terminal, AllocationResult result)
    {
        if (result.Trials.Count == 0)
        {
            return;
        }
        var table = new TextTable(
            ("round", true), ("surrogate", false), ("predicted", true), ("measured", true), ("held back", true), ("", false));
        foreach (var group in result.Trials.GroupBy(t => (t.Round, t.HeldBackLoss ?? t.MeasuredLoss)))
        {
            var shown = group.FirstOrDefault(t => t.IsBest) ?? group.First();
            var name = shown.Surrogate + (group.Count() > 1 ? $" and {group.Count() - 1} more" : "");
            table.Row(
                $"{shown.Round}", name, Loss(shown.PredictedLoss), Loss(shown.MeasuredLoss), Loss(shown.HeldBackLoss),
                shown.IsBest ? "←" : "");
        }
        terminal.Show(table);
    }

    /// <summary>A width; where rows have widths of their own, their mean, the narrowest and the widest.</summary>
    private static string Bits(Candidates.Candidate candidate) => candidate.RowBits is { } rows
        ? Invariant($"{candidate.MeanBits:0.00} ({rows.Min()}–{rows.Max()})") : $"{candidate.Bits}";

    private static string Loss(double? loss) => loss is { } known ? Invariant($"{known:0.0000}") : "–";
}
