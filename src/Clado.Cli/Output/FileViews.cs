using Clado.Curves;
using Clado.Evaluation;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of written files.</summary>
internal static class FileViews
{
    // Digits of a choice in a table.
    private const int LongestChoice = 64;

    /// <summary>What refining changed, and whether it was kept.</summary>
    public static void Show(this Terminal terminal, RefinementEffect? refinement)
    {
        if (refinement is { } r)
        {
            terminal.Message(Invariant($"refining: loss increase {r.LossBefore:0.0000} before, {r.LossAfter:0.0000} after; ")
                + (r.IsKept ? "kept" : "taken back"));
        }
    }

    /// <summary>What tuning changed, and what was kept of it.</summary>
    public static void Show(this Terminal terminal, TuningEffect? tuning)
    {
        if (tuning is { } t)
        {
            terminal.Message(Invariant($"tuning, on {t.Gain.Images:N0} images held back: loss increase {t.LossBefore:0.0000} as rounded, ")
                + Invariant($"{t.LossRefined:0.0000} refined on the others, {t.LossAfter:0.0000} {Tuned(t)} ")
                + Invariant($"(gain {t.Gain.Mean:0.0000} ± {t.Gain.StandardError:0.0000}); ")
                + (t.IsKept ? "kept" : t.IsRefined ? "taken back, refining is kept" : "both taken back"));
        }
    }

    /// <summary>What loses least.</summary>
    private static string Tuned(TuningEffect t) => t.Blocks is not { } blocks ? Invariant($"after epoch {t.Epochs}")
        : Invariant($"with {(blocks.Loss < t.LossRefined ? blocks.Better : 0)} of {blocks.Count} blocks tuned")
            + (t.Epochs > 0 ? Invariant($" and epoch {t.Epochs} of the network") : "");

    /// <summary>That labels seem to count from another class than the model.</summary>
    public static void ShowLabelHint(this Terminal terminal, EvaluationResult? result)
    {
        if (result?.LabelHint is { } hint)
        {
            terminal.Message($"labels: {hint}");
        }
    }

    public static void Show(this Terminal terminal, EvaluationResult result)
    {
        (string Title, string Value)[] measured = result.Measures is { } own
            ? [(own.Measure.Title(), MeasureViews.Value(own.Measure, own.Value))]
            :
            [
                ("top-1", Terminal.Percent(result.Top1)), ("top-5", Terminal.Percent(result.Top5)),
                ("loss", result.Loss is { } loss ? Invariant($"{loss:0.0000}") : "–"), ("agreement", Terminal.Percent(result.Agreement)),
            ];
        var table = new TextTable([("model", false), ("bytes", true), ("images", true), .. measured.Select(m => (m.Title, true))]);
        table.Row(
            [result.Model, Invariant($"{result.SizeBytes:N0}"), Invariant($"{result.Images:N0}"), .. measured.Select(m => m.Value)]);
        terminal.Show(table);
        if (result.Measures is { } measures)
        {
            terminal.Show(result, measures);
        }
        if (result.LossIncrease is { } increase)
        {
            terminal.Data(Invariant($"loss increase over the reference: {increase:0.0000}"));
        }
        if (result.LatencyMilliseconds is { } time)
        {
            terminal.Data(Invariant($"{time:0.000} ms an image") + (result.ReferenceLatencyMilliseconds is { } other
                ? Invariant($", the reference {other:0.000} ms: {other / time:0.00} times as fast")
                : ""));
        }
    }

    public static void Show(this Terminal terminal, ParityResult parity)
    {
        double explained = parity.Outputs.Max(o => o.AllowedLargest);
        terminal.Data(
            Invariant($"the written file against a simulation of its bits in floats, {parity.Images:N0} ")
            + $"{(parity.OnImages ? "images" : "random inputs")}: "
            + Invariant($"outputs differ by {parity.LargestDifference:0.######} at most (rounding explains {explained:0.######}), ")
            + Invariant($"{parity.MeanDifference:0.######} in the mean")
            + (parity.Agreement is { } agreement ? Invariant($", top-1 agrees on {agreement:P1}") : ""));
    }

    /// <summary>The size–accuracy curve, smallest file first.</summary>
    public static void Show(this Terminal terminal, Curve curve)
    {
        var measure = MeasureViews.MeasureOf(curve.Points);
        (string, bool)[] measured = measure is { } own ? [(own.Title(), true)] : [("top-1", true), ("agreement", true)];
        var table = new TextTable(
        [
            ("method", false), ("budget", true), ("bytes", true), ("bits a weight", true), ("predicted", true), ("measured", true),
            .. measured, ("gap", true), ("bits of each layer", false),
        ]);
        foreach (var p in curve.Points)
        {
            var bits = string.Concat(p.Allocation.Values);
            table.Row(
            [
                $"{p.Method}".ToLowerInvariant(), p.Budget, Invariant($"{p.SizeBytes:N0}"), Invariant($"{p.BitsPerWeight:0.00}"),
                Invariant($"{p.PredictedLoss:0.0000}"), Invariant($"{p.MeasuredLoss:0.0000}"),
                .. measure is { } kind
                    ? [MeasureViews.Value(kind, p.MeasureValue)]
                    : (string[])[Terminal.Percent(p.Top1), Terminal.Percent(p.Agreement)],
                p.Gap is { } gap ? Invariant($"{gap:P1}") : "–",
                bits.Length > LongestChoice ? bits[..(LongestChoice - 1)] + "…" : bits,
            ]);
        }
        terminal.Show(table);
        string accuracy = curve.FloatTop1 is { } top1 ? $", top-1 {Terminal.Percent(top1)}" : "";
        terminal.Data(Invariant($"FP32: {curve.FloatBytes:N0} bytes{accuracy}; ")
            + Invariant($"evaluated on {curve.Images:N0} images of {curve.ImagesPath}"));
    }
}
