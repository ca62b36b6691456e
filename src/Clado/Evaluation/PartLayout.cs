using Clado.Losses;

namespace Clado.Evaluation;

/// <summary>Which part of an output each element belongs to.</summary>
/// <param name="parts">What the output consists of.</param>
internal sealed class PartLayout(OutputParts parts)
{
    private readonly int[] partOf = [.. Enumerable.Range(0, parts.ElementCount).Select(parts.Of)];

    /// <summary>Number of parts.</summary>
    public int Count => parts.Count;

    /// <summary>In words, such as "10 parts along axis 1".</summary>
    public string Summary => parts.Summary;

    /// <summary>Differences of each part. Shape: [parts].</summary>
    /// <param name="actual">Shape: [images · elements].</param>
    /// <param name="expected">Shape: [images · elements].</param>
    public Difference[] Differences(float[] actual, float[] expected)
    {
        var differences = new Difference[Count];
        for (int i = 0; i < actual.Length; i++)
        {
            // Only moved values can be no numbers; those say nothing of how far rounding drives a value.
            if (float.IsFinite(actual[i]))
            {
                ref var own = ref differences[partOf[i % partOf.Length]];
                own = own.With(Math.Abs((double)actual[i] - expected[i]));
            }
        }
        return differences;
    }

    /// <summary>The largest absolute value of each part. Shape: [parts].</summary>
    /// <param name="values">Shape: [images · elements].</param>
    public double[] Magnitudes(float[] values)
    {
        var magnitudes = new double[Count];
        for (int i = 0; i < values.Length; i++)
        {
            ref double own = ref magnitudes[partOf[i % partOf.Length]];
            own = Math.Max(own, Math.Abs(values[i]));
        }
        return magnitudes;
    }
}

/// <summary>How far values are from others.</summary>
/// <param name="Largest">Largest absolute difference.</param>
/// <param name="Total">Sum of the absolute differences.</param>
/// <param name="Squares">Sum of their squares.</param>
/// <param name="Count">Number of values.</param>
internal readonly record struct Difference(double Largest, double Total, double Squares, long Count)
{
    /// <summary>Root of the mean square.</summary>
    public double RootMeanSquare => Math.Sqrt(Squares / Math.Max(1, Count));

    /// <summary>Adds a value.</summary>
    public Difference With(double difference) =>
        new(Math.Max(Largest, difference), Total + difference, Squares + (difference * difference), Count + 1);

    /// <summary>The differences of some values together.</summary>
    public static Difference Sum(IEnumerable<Difference> parts) => parts.Aggregate(
        (a, b) => new Difference(Math.Max(a.Largest, b.Largest), a.Total + b.Total, a.Squares + b.Squares, a.Count + b.Count));
}
