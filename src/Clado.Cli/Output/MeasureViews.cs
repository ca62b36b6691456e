using Clado.Curves;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of measures against the float model.</summary>
internal static class MeasureViews
{
    /// <summary>The measure that a table has a column of: that of its points' task; null of a classifier.</summary>
    /// <param name="points">Points of a curve. Shape: [points].</param>
    public static MeasureKind? MeasureOf(IEnumerable<CurvePoint> points) => points.FirstOrDefault(p => p.Measure is not null)?.Measure;

    /// <summary>A value of a measure; a dash where there is none.</summary>
    public static string Value(MeasureKind measure, double? value) =>
        measure == MeasureKind.EmbeddingCosine ? Number(value) : Terminal.Percent(value);

    /// <summary>How much of what it is for a model keeps, in a line.</summary>
    public static string Line(TaskMeasures measures) => measures switch
    {
        { ReferenceDetections: { } reference, Detections: { } own } => Invariant($"of the float model's {reference:N0} detections ")
            + $"{Terminal.Percent(measures.DetectionsKept)} are kept; of the model's {Invariant($"{own:N0}")}, "
            + $"{Terminal.Percent(measures.DetectionsExtra)} are extra",
        { MeanIou: { } iou } => $"mean IoU {Terminal.Percent(iou)}, pixel agreement {Terminal.Percent(measures.PixelAgreement)}",
        { EmbeddingCosine: { } cosine } => $"cosine {Number(cosine)} in the mean, "
            + $"{Number(measures.EmbeddingCosineLow)} at the first percentile",
        _ => $"relative error {Terminal.Percent(measures.RelativeError)}"
            + (measures.Psnr is { } psnr ? double.IsFinite(psnr) ? Invariant($", PSNR {psnr:0.00} dB") : ", PSNR without end" : ""),
    };

    /// <summary>What each output is off by, and what the task's measure says.</summary>
    public static void Show(this Terminal terminal, EvaluationResult result, TaskMeasures measures)
    {
        var table = new TextTable(
            ("output", false), ("relative error", true), ("cosine", true), ("largest difference", true), ("same values", true),
            ("worst image", false));
        foreach (var o in result.Outputs)
        {
            string worst = o.DifferentSizes is { } count ? Invariant($"another size on {count:N0} of {result.Images:N0} images")
                : o.WorstImage ?? "–";
            table.Row(
                o.Name, Terminal.Percent(o.RelativeError), Number(o.Cosine),
                o.LargestDifference is { } d ? Invariant($"{d:G4}") : "–", Terminal.Percent(o.Agreement), worst);
        }
        terminal.Show(table);
        bool isDetector = measures.Detections is not null;
        string threshold = isDetector ? Invariant($", from a score of {measures.ScoreThreshold} on") : "";
        terminal.Data($"{measures.Task.ToString().ToLowerInvariant()}: {Line(measures)}");
        terminal.Data($"read as {measures.ReadAs}{threshold}");
    }

    private static string Number(double? value) => value is { } number ? Invariant($"{number:0.0000}") : "–";
}
