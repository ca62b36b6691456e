using Clado.Graphs;
using Clado.Inference;

namespace Clado.Evaluation.Measures;

/// <summary>What one image shows of a task's measure.</summary>
internal abstract record ImageCounts;

/// <summary>
/// Compares what a network is for: image by image, so that what comes out does not depend on batches or threads, and then all of them in
/// their order.
/// </summary>
internal abstract class TaskComparison
{
    /// <summary>Compares an image.</summary>
    /// <param name="expected">The reference's outputs. Shape: [outputs].</param>
    /// <param name="actual">The model's. Shape: [outputs].</param>
    /// <returns>null where the outputs' errors say it all.</returns>
    public virtual ImageCounts? Compare(IReadOnlyList<ModelOutput> expected, IReadOnlyList<ModelOutput> actual) => null;

    /// <summary>Brings images together.</summary>
    /// <param name="images">What they show, in their order. Shape: [images].</param>
    /// <param name="outputs">The outputs' differences over all images. Shape: [outputs].</param>
    public abstract TaskMeasures Sum(IReadOnlyList<ImageCounts?> images, IReadOnlyList<OutputDifference> outputs);

    /// <summary>The largest relative error of an output; null where none is known.</summary>
    protected static double? LargestError(IEnumerable<OutputDifference> outputs) =>
        outputs.Where(o => o is { DifferentSizes: 0, Elements: > 0 }).Max(o => o.RelativeError);

    /// <summary>Chooses by the task and by what the float network gives.</summary>
    /// <param name="task">What the network is for.</param>
    /// <param name="options">What is said of it.</param>
    /// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
    public static TaskComparison Of(NetworkTask task, MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples) =>
        task switch
        {
            NetworkTask.Detect => DetectionComparison.Of(options, samples),
            NetworkTask.Segment => SegmentationComparison.Of(options, samples),
            NetworkTask.Embed => EmbeddingComparison.Of(options, samples),
            _ => new ValueComparison(task, options, samples, null),
        };
}

/// <summary>The outputs that are measured.</summary>
/// <param name="Names">Their names; those behind the model's own are read for a measure only. Shape: [outputs].</param>
/// <param name="Own">How many are the model's own. Range: [1, outputs].</param>
internal sealed record MeasuredOutputs(IReadOnlyList<string> Names, int Own)
{
    /// <summary>The least score of a detection. Range: [0, 1].</summary>
    public required double ScoreThreshold { get; init; }

    /// <summary>Where a NonMaxSuppression's results are, or null.</summary>
    public Detection.Selection? Selection { get; init; }

    /// <summary>Rows and columns of the image the network takes; null where they are not known.</summary>
    public (int Height, int Width)? ImageSize { get; init; }
}
