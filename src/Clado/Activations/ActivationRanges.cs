namespace Clado.Activations;

/// <summary>The grids of a network's activations: value = scale · (code − zero point), codes of 8 bits without sign.</summary>
/// <param name="Scales">Shape: [ranges]. Range: (0, inf).</param>
/// <param name="ZeroPoints">Code of the value 0. Shape: [ranges].</param>
internal sealed record ActivationRanges(IReadOnlyList<float> Scales, IReadOnlyList<byte> ZeroPoints)
{
    // Below this a scale times a weight's would no longer be a normal number.
    private const double SmallestInterval = 1e-18;

    /// <summary>The largest code.</summary>
    public const int MaximumCode = byte.MaxValue;

    /// <summary>Grids that stand in for measured ones where only the number of bytes counts, which does not depend on them.</summary>
    internal static ActivationRanges Unmeasured(ActivationPlan plan) => new(new float[plan.Ranges.Count], new byte[plan.Ranges.Count]);

    /// <summary>The grids of intervals.</summary>
    /// <param name="intervals">Least and largest value of each. Shape: [ranges].</param>
    internal static ActivationRanges Of(IEnumerable<(double Minimum, double Maximum)> intervals)
    {
        var grids = intervals.Select(i => Grid(i.Minimum, i.Maximum)).ToArray();
        return new ActivationRanges([.. grids.Select(g => g.Scale)], [.. grids.Select(g => g.ZeroPoint)]);
    }

    /// <summary>The grid that covers an interval and has the value 0 on it.</summary>
    /// <param name="minimum">Least value; 0 where it is above.</param>
    /// <param name="maximum">Largest value; 0 where it is below.</param>
    internal static (float Scale, byte ZeroPoint) Grid(double minimum, double maximum)
    {
        minimum = Math.Min(minimum, 0);
        maximum = Math.Max(maximum, 0);
        if (maximum - minimum < SmallestInterval)
        {
            return (1, 0);
        }
        float scale = (float)((maximum - minimum) / MaximumCode);
        // Never beyond the interval: ONNX Runtime drops a Clip only where the grid behind it stays inside.
        while (scale * MaximumCode > maximum - minimum)
        {
            scale = MathF.BitDecrement(scale);
        }
        return (scale, (byte)Math.Clamp(Math.Round(-minimum / scale), 0, MaximumCode));
    }
}
