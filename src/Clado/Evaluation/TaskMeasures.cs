using Clado.Graphs;

namespace Clado.Evaluation;

/// <summary>The measure that tells how much a quantized network loses of what it is for.</summary>
public enum MeasureKind
{
    /// <summary>Share of the float network's detections that are kept. Range: [0, 1].</summary>
    DetectionsKept,

    /// <summary>Mean intersection over union with the float network's classes. Range: [0, 1].</summary>
    MeanIou,

    /// <summary>Mean cosine with the float network's vectors. Range: [-1, 1].</summary>
    EmbeddingCosine,

    /// <summary>The largest relative L2 error of an output. Range: [0, inf).</summary>
    RelativeError,
}

/// <summary>
/// How much of what a network is for it keeps of its reference, the float network: of detections, of classes at places, of directions, of
/// values. Labels are not asked.
/// </summary>
public sealed record TaskMeasures
{
    /// <summary>What the network is for.</summary>
    public required NetworkTask Task { get; init; }

    /// <summary>The one measure that stands for the others in tables, curves and targets.</summary>
    public required MeasureKind Measure { get; init; }

    /// <summary>Its value; null where it is not defined, such as a share of no detections.</summary>
    public required double? Value { get; init; }

    /// <summary>How outputs were read, and what that rests on, in words.</summary>
    public required string ReadAs { get; init; }

    /// <summary>Share of the reference's detections that are kept: of one class, overlapping by 0.5 at least. Range: [0, 1].</summary>
    public double? DetectionsKept { get; init; }

    /// <summary>Share of the model's detections that the reference does not have. Range: [0, 1].</summary>
    public double? DetectionsExtra { get; init; }

    /// <summary>Detections of the reference on all images. Range: [0, inf).</summary>
    public long? ReferenceDetections { get; init; }

    /// <summary>Detections of the model on all images. Range: [0, inf).</summary>
    public long? Detections { get; init; }

    /// <summary>The least score of a detection, or of the one class of a map. Range: [0, 1].</summary>
    public double? ScoreThreshold { get; init; }

    /// <summary>Share of places that are of the reference's class. Range: [0, 1].</summary>
    public double? PixelAgreement { get; init; }

    /// <summary>
    /// Mean over classes of intersection over union, over all images; of the classes that one of both gives anywhere. Where there is one
    /// class and a background, it is that class's. Range: [0, 1].
    /// </summary>
    public double? MeanIou { get; init; }

    /// <summary>Mean over images of the cosine between both vectors. Range: [-1, 1].</summary>
    public double? EmbeddingCosine { get; init; }

    /// <summary>First percentile of that cosine: at most one image in a hundred is below it. Range: [-1, 1].</summary>
    public double? EmbeddingCosineLow { get; init; }

    /// <summary>The largest relative L2 error of an output (<see cref="OutputComparison.RelativeError"/>). Range: [0, inf).</summary>
    public double? RelativeError { get; init; }

    /// <summary>
    /// Where an image comes out: peak signal-to-noise ratio over all images, decibels. The peak is the range of the reference's values.
    /// Infinite where nothing differs.
    /// </summary>
    public double? Psnr { get; init; }

    /// <summary>
    /// What is lost of <see cref="Measure"/>, in percentage points: 100 times its distance from 1, or 100 times the error.
    /// </summary>
    public double? Drop => Measure.DropOf(Value);
}

/// <summary>What is known of a measure.</summary>
/// <param name="Title">What tables call it.</param>
/// <param name="Words">What sentences call it.</param>
/// <param name="IsError">Whether it is 0 where nothing is lost; else 1.</param>
internal sealed record MeasureInfo(string Title, string Words, bool IsError = false);

/// <summary>The one place that knows the measures' names.</summary>
public static class MeasureKinds
{
    /// <summary>What tables call a measure.</summary>
    /// <param name="measure">The measure.</param>
    public static string Title(this MeasureKind measure) => measure.Info().Title;

    /// <summary>What sentences call a measure.</summary>
    /// <param name="measure">The measure.</param>
    public static string Words(this MeasureKind measure) => measure.Info().Words;

    /// <summary>What is lost at a value, in percentage points.</summary>
    /// <param name="measure">The measure.</param>
    /// <param name="value">Its value, or null.</param>
    /// <returns>null where there is no value.</returns>
    public static double? DropOf(this MeasureKind measure, double? value) => 100 * (measure.Info().IsError ? value : 1 - value);

    private static MeasureInfo Info(this MeasureKind measure) => measure switch
    {
        MeasureKind.DetectionsKept => new("detections kept", "the float model's detections"),
        MeasureKind.MeanIou => new("mean IoU", "mean IoU with the float model"),
        MeasureKind.EmbeddingCosine => new("mean cosine", "mean cosine with the float model"),
        _ => new("relative error", "relative error to the float model", IsError: true),
    };
}
