using Clado.Graphs;
using Clado.Inference;

namespace Clado.Evaluation.Measures;

/// <summary>The cosine of an image's vectors.</summary>
/// <param name="Cosine">Range: [-1, 1].</param>
internal sealed record VectorCosine(double Cosine) : ImageCounts;

/// <summary>Directions of vectors.</summary>
/// <param name="output">Which output. Range: [0, outputs).</param>
/// <param name="name">Its name.</param>
internal sealed class EmbeddingComparison(int output, string name) : TaskComparison
{
    // The percentile that is given: what the worst images have, not the very worst.
    private const double Low = 0.01;

    /// <summary>Finds the vector.</summary>
    /// <param name="options">The outputs.</param>
    /// <param name="samples">What the float network gives on some images. Shape: [images][outputs].</param>
    public static TaskComparison Of(MeasuredOutputs options, IReadOnlyList<IReadOnlyList<ModelOutput>> samples)
    {
        int found = Enumerable.Range(0, options.Own).FirstOrDefault(
            o => samples.All(image => !image[o].IsInteger && image[o].Shape.SequenceEqual(samples[0][o].Shape)), -1);
        return found < 0
            ? new ValueComparison(NetworkTask.Embed, options, samples, "values: no output is a vector of floats of one size")
            : new EmbeddingComparison(found, options.Names[found]);
    }

    /// <inheritdoc/>
    public override ImageCounts Compare(IReadOnlyList<ModelOutput> expected, IReadOnlyList<ModelOutput> actual)
    {
        var difference = OutputDifference.Of(expected[output], actual[output]);
        // Of vectors of zeros, two are alike, and one is like nothing.
        return new VectorCosine(difference.Cosine ?? (difference is { SquaredError: 0, DifferentSizes: 0 } ? 1 : 0));
    }

    /// <inheritdoc/>
    public override TaskMeasures Sum(IReadOnlyList<ImageCounts?> images, IReadOnlyList<OutputDifference> outputs)
    {
        double[] cosines = [.. images.Cast<VectorCosine>().Select(c => c.Cosine).Order()];
        double mean = cosines.Average();
        return new TaskMeasures
        {
            Task = NetworkTask.Embed,
            Measure = MeasureKind.EmbeddingCosine,
            Value = mean,
            EmbeddingCosine = mean,
            EmbeddingCosineLow = cosines[(int)(Low * cosines.Length)],
            RelativeError = LargestError(outputs),
            ReadAs = $"a vector an image, '{name}'",
        };
    }
}
