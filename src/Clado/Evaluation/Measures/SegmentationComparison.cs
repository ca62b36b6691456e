using Clado.Graphs;
using Clado.Inference;
using static System.FormattableString;

namespace Clado.Evaluation.Measures;

/// <summary>Classes at the places of an image.</summary>
/// <param name="Places">Places compared.</param>
/// <param name="Agreeing">Places of the same class in both.</param>
/// <param name="Both">Places of each class in both. Shape: [classes].</param>
/// <param name="Either">Places of each class in one of both. Shape: [classes].</param>
internal sealed record SegmentationCounts(long Places, long Agreeing, long[] Both, long[] Either) : ImageCounts
{
    /// <summary>Compares.</summary>
    /// <param name="expected">The reference's classes. Shape: [places]. Range: [0, inf).</param>
    /// <param name="actual">The model's. Shape: [places]. Range: [0, inf).</param>
    public static SegmentationCounts Of(int[] expected, int[] actual)
    {
        int classes = 1 + Math.Max(expected.Max(), actual.Max());
        var (both, either) = (new long[classes], new long[classes]);
        long agreeing = 0;
        for (int place = 0; place < expected.Length; place++)
        {
            either[expected[place]]++;
            if (expected[place] == actual[place])
            {
                both[expected[place]]++;
                agreeing++;
            }
            else
            {
                either[actual[place]]++;
            }
        }
        return new(expected.Length, agreeing, both, either);
    }
}

/// <summary>Classes at every place of a map.</summary>
/// <param name="map">How they are read.</param>
internal sealed class SegmentationComparison(ClassMap map) : TaskComparison
{
    /// <summary>Finds the map.</summary>
    /// <param name="options">The outputs.</param>
    /// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
    public static TaskComparison Of(MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples) =>
        ClassMap.Find(options, samples) is { } map
            ? new SegmentationComparison(map)
            : new ValueComparison(
                NetworkTask.Segment, options, samples, "values: no output is a map of classes, of scores or of probabilities of one size");

    /// <inheritdoc/>
    public override ImageCounts Compare(IReadOnlyList<ModelOutput> expected, IReadOnlyList<ModelOutput> actual)
    {
        var (reference, own) = (map.Read(expected), map.Read(actual));
        return reference.Length == own.Length ? SegmentationCounts.Of(reference, own) : throw new CladoException(
            Invariant($"{map.Description}: {own.Length:N0} places where {Settings.Reference} has {reference.Length:N0}; ")
            + "give the FP32 model it was made from");
    }

    /// <inheritdoc/>
    public override TaskMeasures Sum(IReadOnlyList<ImageCounts?> images, IReadOnlyList<OutputDifference> outputs)
    {
        var counts = images.Cast<SegmentationCounts>().ToArray();
        int classes = counts.Max(c => c.Either.Length);
        var (both, either) = (new long[classes], new long[classes]);
        foreach (var image in counts)
        {
            for (int own = 0; own < image.Either.Length; own++)
            {
                both[own] += image.Both[own];
                either[own] += image.Either[own];
            }
        }
        // Of one class beside a background, the background is nobody's question.
        int[] present = [.. Enumerable.Range(0, classes).Where(own => either[own] > 0 && !(map.Threshold is not null && own == 0))];
        double iou = present.Length == 0 ? 1 : present.Average(own => (double)both[own] / either[own]);
        return new TaskMeasures
        {
            Task = NetworkTask.Segment,
            Measure = MeasureKind.MeanIou,
            Value = iou,
            MeanIou = iou,
            PixelAgreement = (double)counts.Sum(c => c.Agreeing) / counts.Sum(c => c.Places),
            ScoreThreshold = map.Threshold,
            RelativeError = LargestError(outputs),
            ReadAs = map.Description + Invariant($"; {present.Length} {(present.Length == 1 ? "class occurs" : "classes occur")}"),
        };
    }
}
