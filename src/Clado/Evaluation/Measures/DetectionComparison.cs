using Clado.Evaluation.Detection;
using Clado.Graphs;
using Clado.Inference;
using static System.FormattableString;

namespace Clado.Evaluation.Measures;

/// <summary>Detections of an image.</summary>
/// <param name="Reference">Those of the reference.</param>
/// <param name="Own">Those of the model.</param>
/// <param name="Kept">Pairs of both that are of one object.</param>
internal sealed record DetectionCounts(long Reference, long Own, long Kept) : ImageCounts;

/// <summary>Which of the float network's detections are kept, and which are new.</summary>
/// <param name="head">How outputs are boxes.</param>
/// <param name="threshold">The least score. Range: [0, 1].</param>
internal sealed class DetectionComparison(DetectionHead head, double threshold) : TaskComparison
{
    /// <summary>Finds out how outputs are boxes.</summary>
    /// <param name="options">The outputs.</param>
    /// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
    public static TaskComparison Of(MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples) =>
        new HeadFinder(options.Names, samples).Find(options.Selection) is { } head
            ? new DetectionComparison(head, options.ScoreThreshold)
            : new ValueComparison(NetworkTask.Detect, options, samples, "values: neither their shapes nor their numbers tell boxes with "
                + "scores, such as where boxes are offsets from anchors that the file does not apply; detections are not compared");

    /// <inheritdoc/>
    public override ImageCounts Compare(IReadOnlyList<ModelOutput> expected, IReadOnlyList<ModelOutput> actual)
    {
        var (reference, own) = (head.Read(expected, threshold), head.Read(actual, threshold));
        return new DetectionCounts(reference.Count, own.Count, BoxMatching.Count(reference, own));
    }

    /// <inheritdoc/>
    public override TaskMeasures Sum(IReadOnlyList<ImageCounts?> images, IReadOnlyList<OutputDifference> outputs)
    {
        var counts = images.Cast<DetectionCounts>().ToArray();
        long reference = counts.Sum(c => c.Reference), own = counts.Sum(c => c.Own), both = counts.Sum(c => c.Kept);
        double? kept = reference > 0 ? (double)both / reference : null;
        return new TaskMeasures
        {
            Task = NetworkTask.Detect,
            Measure = MeasureKind.DetectionsKept,
            Value = kept,
            DetectionsKept = kept,
            DetectionsExtra = own > 0 ? (double)(own - both) / own : null,
            ReferenceDetections = reference,
            Detections = own,
            ScoreThreshold = threshold,
            RelativeError = LargestError(outputs),
            ReadAs = head.Description + (reference > 0 ? "" : Invariant(
                $"; the float model detects nothing on these images at a score of {threshold}: try a lower {Settings.ScoreThreshold}")),
        };
    }
}
