using Clado.Evaluation.Measures;

namespace Clado.Evaluation;

/// <summary>
/// How far an output of a model is from the reference's, over all images. Of whole numbers (classes, indices) only
/// <see cref="Agreement"/> is known. Where the output's size is another than the reference's on an image, nothing is but on how many.
/// </summary>
/// <param name="Name">Name of the output.</param>
public sealed record OutputComparison(string Name)
{
    /// <summary>
    /// Relative L2 error: the norm of the difference over that of the reference's output. Null where that is zero. Range: [0, inf).
    /// </summary>
    public double? RelativeError { get; init; }

    /// <summary>Cosine of the angle between both, all images as one vector; null where one is zero. Range: [-1, 1].</summary>
    public double? Cosine { get; init; }

    /// <summary>Largest absolute difference of a value, in the output's unit.</summary>
    public double? LargestDifference { get; init; }

    /// <summary>Share of the values that are the same, where they are whole numbers or truth values. Range: [0, 1].</summary>
    public double? Agreement { get; init; }

    /// <summary>
    /// The image whose values are furthest off, by the sum of squared differences, or by values that differ where they are whole numbers:
    /// its path below the folder of images. Null where no value differs.
    /// </summary>
    public string? WorstImage { get; init; }

    /// <summary>Images on which the output has another size than the reference's; null for none. Range: [1, inf).</summary>
    public int? DifferentSizes { get; init; }

    /// <summary>Brings images together.</summary>
    /// <param name="name">Name of the output.</param>
    /// <param name="isInteger">Whether it has whole numbers.</param>
    /// <param name="images">What is known of each image, in their order. Shape: [images].</param>
    /// <param name="names">Names of the images. Shape: [images].</param>
    internal static OutputComparison Of(string name, bool isInteger, IReadOnlyList<OutputDifference> images, IReadOnlyList<string> names)
    {
        var whole = OutputDifference.Sum(images);
        if (whole.DifferentSizes > 0)
        {
            return new OutputComparison(name) { DifferentSizes = whole.DifferentSizes };
        }
        double Badness(OutputDifference d) => isInteger ? d.Elements - d.Equal : d.SquaredError;
        int worst = Enumerable.Range(0, images.Count).MaxBy(image => Badness(images[image]));
        return new OutputComparison(name)
        {
            RelativeError = isInteger ? null : whole.RelativeError,
            Cosine = isInteger ? null : whole.Cosine,
            LargestDifference = isInteger ? null : whole.Largest,
            Agreement = isInteger ? (double)whole.Equal / Math.Max(1, whole.Elements) : null,
            WorstImage = Badness(images[worst]) > 0 ? names[worst] : null,
        };
    }
}
