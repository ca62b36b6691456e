using System.Text.Json;
using Clado.Graphs;
using Clado.Records;

namespace Clado.Evaluation;

/// <summary>How well a model file does on images.</summary>
public sealed record EvaluationResult
{
    /// <summary>Path of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Images run.</summary>
    public required int Images { get; init; }

    /// <summary>Whether the images have labels.</summary>
    public required bool Labelled { get; init; }

    /// <summary>What the model is for; null where nothing was decided.</summary>
    public NetworkTask? Task { get; init; }

    /// <summary>Why it is taken for that, as the end of a sentence; null where nothing was decided.</summary>
    public string? TaskReason { get; init; }

    /// <summary>What it is for and why, in a sentence without its end; null where nothing was decided.</summary>
    public string? TaskSentence { get; init; }

    /// <summary>Share of images whose label has the highest score; null without labels or classes. Range: [0, 1].</summary>
    public double? Top1 { get; init; }

    /// <summary>Share of images whose label is among the five highest scores; null without labels or classes. Range: [0, 1].</summary>
    public double? Top5 { get; init; }

    /// <summary>Mean cross-entropy of the labels, nats; null without labels or classes.</summary>
    public double? Loss { get; init; }

    /// <summary>Share of images on which the highest score is the reference's; null without a reference. Range: [0, 1].</summary>
    public double? Agreement { get; init; }

    /// <summary>
    /// Mean loss increase over the reference in the loss that was asked for: nats for kl and ce, 1 for mse and cosine. Null without a
    /// reference.
    /// </summary>
    public double? LossIncrease { get; init; }

    /// <summary>The same of every image; empty without a reference. Shape: [images].</summary>
    internal IReadOnlyList<double> LossIncreases { get; init; } = [];

    /// <summary>Standard error of <see cref="LossIncrease"/> over the images; null where it is not finite. Range: [0, inf).</summary>
    internal double? LossIncreaseError
    {
        get
        {
            double mean = LossIncreases.Count == 0 ? double.NaN : LossIncreases.Average();
            double error = Math.Sqrt(LossIncreases.Sum(loss => (loss - mean) * (loss - mean))) / Math.Max(1, LossIncreases.Count);
            return double.IsFinite(error) ? error : null;
        }
    }

    /// <summary>Whether the label of every image has the highest score; empty without labels or classes. Shape: [images].</summary>
    internal IReadOnlyList<bool> Right { get; init; } = [];

    /// <summary>
    /// Whether the highest score of every image is the reference's; empty without a reference or classes. Shape: [images].
    /// </summary>
    internal IReadOnlyList<bool> Agreeing { get; init; } = [];

    /// <summary>
    /// How far each output is from the reference's; empty without a reference, and of a classifier, which is compared by its classes.
    /// Shape: [outputs].
    /// </summary>
    public IReadOnlyList<OutputComparison> Outputs { get; init => field = [.. value]; } = [];

    /// <summary>How much of what it is for it keeps of the reference; null without a reference, and of a classifier.</summary>
    public TaskMeasures? Measures { get; init; }

    /// <summary>Median time of a run on one image, milliseconds; null where it was not measured.</summary>
    public double? LatencyMilliseconds { get; init; }

    /// <summary>The reference's, run alternately with it, milliseconds; null without a reference or where it was not measured.</summary>
    public double? ReferenceLatencyMilliseconds { get; init; }

    /// <summary>
    /// That the labels seem to count from another class than the model, in a sentence; null where nothing speaks for it, or it was not
    /// compared with labels.
    /// </summary>
    public string? LabelHint { get; init; }

    /// <summary>
    /// The shape that images were given in, null at a batch that is free; what <see cref="Graphs.InputOptions.Shape"/> takes.
    /// Shape: [rank].
    /// </summary>
    public IReadOnlyList<long?> InputShape { get; init; } = [];

    /// <summary>
    /// What was assumed of the model's input where its file leaves something free, and what is to be said of the images, in sentences.
    /// Shape: [sentences].
    /// </summary>
    public IReadOnlyList<string> Notes { get; init => field = [.. value]; } = [];

    /// <summary>
    /// This as other programs read it; its keys are a contract. Fractions are 0–1, sizes bytes, losses nats;
    /// what was not measured is absent, what is no number is null. Of a network that is no classifier <see cref="Outputs"/> and the
    /// properties of <see cref="Measures"/> are there as well (docs/decisions/2026-11-27-measures.md).
    /// </summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Model,
            Task = Task is { } task ? TaskDecision.NameOf(task) : null,
            TaskReason,
            Images,
            Labelled,
            Top1,
            Top5,
            Loss,
            Agreement,
            LossIncrease,
            Measure = Measures?.Measure,
            MeasureValue = Measures?.Value,
            Measures?.DetectionsKept,
            Measures?.DetectionsExtra,
            Measures?.ReferenceDetections,
            Measures?.Detections,
            Measures?.ScoreThreshold,
            Measures?.PixelAgreement,
            Measures?.MeanIou,
            Measures?.EmbeddingCosine,
            Measures?.EmbeddingCosineLow,
            Measures?.RelativeError,
            Measures?.Psnr,
            Measures?.ReadAs,
            Outputs = Outputs.Count > 0 ? Outputs : null,
            SizeBytes,
            LatencyMilliseconds,
            ReferenceLatencyMilliseconds,
            InputShape,
            Notes,
        },
        JsonText.Relaxed);
}
