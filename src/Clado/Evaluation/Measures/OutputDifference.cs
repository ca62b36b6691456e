using Clado.Inference;

namespace Clado.Evaluation.Measures;

/// <summary>How far an output of one image, or of several together, is from the reference's.</summary>
/// <param name="SquaredError">Sum of the squared differences.</param>
/// <param name="SquaredReference">Sum of the reference's squares.</param>
/// <param name="SquaredValues">Sum of the output's squares.</param>
/// <param name="Product">Sum of the products.</param>
/// <param name="Largest">Largest absolute difference.</param>
/// <param name="Lowest">The reference's lowest value; infinity where there is none.</param>
/// <param name="Highest">The reference's highest value; minus infinity where there is none.</param>
internal readonly record struct OutputDifference(
    double SquaredError, double SquaredReference, double SquaredValues, double Product, double Largest, double Lowest, double Highest)
{
    /// <summary>That of no values.</summary>
    public static OutputDifference None { get; } = new(0, 0, 0, 0, 0, double.PositiveInfinity, double.NegativeInfinity);

    /// <summary>Values compared.</summary>
    public long Elements { get; init; }

    /// <summary>Values that are the same.</summary>
    public long Equal { get; init; }

    /// <summary>Images on which both have not the same shape; their values are not compared.</summary>
    public int DifferentSizes { get; init; }

    /// <summary>‖output − reference‖ / ‖reference‖; null where the reference is zero and the output is not.</summary>
    public double? RelativeError =>
        SquaredReference > 0 ? Math.Sqrt(SquaredError / SquaredReference) : SquaredError > 0 ? null : 0;

    /// <summary>Cosine of the angle between both; null where one of them is zero. Range: [-1, 1].</summary>
    public double? Cosine => SquaredReference > 0 && SquaredValues > 0
        ? SquaredError == 0 ? 1 : Math.Clamp(Product / (Math.Sqrt(SquaredReference) * Math.Sqrt(SquaredValues)), -1, 1)
        : null;

    /// <summary>
    /// Peak signal-to-noise ratio, decibels: the reference's range, squared, over the mean squared error. Infinite without an error.
    /// </summary>
    public double PeakSignalToNoise => 20 * Math.Log10(Highest - Lowest) - (10 * Math.Log10(SquaredError / Elements));

    /// <summary>Compares.</summary>
    /// <param name="expected">The reference's output.</param>
    /// <param name="actual">The output.</param>
    public static OutputDifference Of(ModelOutput expected, ModelOutput actual)
    {
        if (!expected.Shape.SequenceEqual(actual.Shape))
        {
            return None with { DifferentSizes = 1 };
        }
        var reference = expected.Values.Span;
        var values = actual.Values.Span;
        double error = 0, references = 0, squares = 0, product = 0, largest = 0;
        float lowest = float.PositiveInfinity, highest = float.NegativeInfinity;
        long equal = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double r = reference[i], v = values[i], difference = v - r;
            error += difference * difference;
            references += r * r;
            squares += v * v;
            product += r * v;
            largest = Math.Max(largest, Math.Abs(difference));
            lowest = Math.Min(lowest, reference[i]);
            highest = Math.Max(highest, reference[i]);
            equal += difference == 0 ? 1 : 0;
        }
        return new(error, references, squares, product, largest, lowest, highest) { Elements = reference.Length, Equal = equal };
    }

    /// <summary>The differences of some images together.</summary>
    public static OutputDifference Sum(IEnumerable<OutputDifference> parts) => parts.Aggregate(None, (a, b) => new OutputDifference(
        a.SquaredError + b.SquaredError, a.SquaredReference + b.SquaredReference, a.SquaredValues + b.SquaredValues, a.Product + b.Product,
        Math.Max(a.Largest, b.Largest), Math.Min(a.Lowest, b.Lowest), Math.Max(a.Highest, b.Highest))
    {
        Elements = a.Elements + b.Elements,
        Equal = a.Equal + b.Equal,
        DifferentSizes = a.DifferentSizes + b.DifferentSizes,
    });
}
