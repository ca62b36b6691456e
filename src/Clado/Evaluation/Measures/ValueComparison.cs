using Clado.Graphs;
using Clado.Inference;
using static System.FormattableString;

namespace Clado.Evaluation.Measures;

/// <summary>Values that are what they are: errors of the outputs, and of an image that comes out its peak signal-to-noise ratio.</summary>
/// <param name="task">What the network is for.</param>
/// <param name="options">The outputs.</param>
/// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
/// <param name="why">Why the task's own measure is not known; null where this is it.</param>
internal sealed class ValueComparison(
    NetworkTask task, MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples, string? why) : TaskComparison
{
    /// <inheritdoc/>
    public override TaskMeasures Sum(IReadOnlyList<ImageCounts?> images, IReadOnlyList<OutputDifference> outputs)
    {
        var own = outputs.Take(options.Own);
        int picture = Enumerable.Range(0, options.Own).FirstOrDefault(IsPicture, -1);
        var values = picture < 0 ? OutputDifference.None : outputs[picture];
        bool hasPeak = task == NetworkTask.Regress && values.Highest > values.Lowest;
        return new TaskMeasures
        {
            Task = task,
            Measure = MeasureKind.RelativeError,
            Value = LargestError(own),
            RelativeError = LargestError(own),
            Psnr = hasPeak ? values.PeakSignalToNoise : null,
            ReadAs = why ?? (hasPeak
                ? $"values; '{options.Names[picture]}' has an image's shape, and the PSNR's peak is the range of the float model's values, "
                    + Invariant($"{values.Lowest:0.###} to {values.Highest:0.###}")
                : "values"),
        };
    }

    /// <summary>Whether an output has the shape of an image: 1, 3 or 4 channels, the input's proportions, at least half its size.</summary>
    private bool IsPicture(int output)
    {
        var first = samples[0][output];
        if (first.IsInteger || first.Shape.Count != 4 || samples.Any(image => !image[output].Shape.SequenceEqual(first.Shape))
            || MapLayout.Channels(first.Shape, options.ImageSize) is not { } channels)
        {
            return false;
        }
        int[] sides = [.. first.Shape.Where((_, axis) => axis != 0 && axis != channels)];
        return first.Shape[channels] is 1 or 3 or 4 && 2 * sides[0] >= options.ImageSize?.Height
            && MapLayout.IsLike(sides[0], sides[1], options.ImageSize);
    }
}
