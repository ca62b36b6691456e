using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Clado.Activations;

/// <summary>
/// Extremes of a tensor's values, their counts in bins of equal width, and the intervals that follow from them. The width is a power of two
/// and grows with the values, two bins becoming one: what is counted does not depend on the order in which values come. Safe on several
/// threads.
/// </summary>
/// <param name="counts">Whether values are counted; else extremes are all that is known.</param>
internal sealed class ActivationHistogram(bool counts = true)
{
    // Bins on either side of zero; the largest value lies in the outer half of them.
    private const int SideBits = 12, Side = 1 << SideBits;

    // The width's factor is a float, too.
    private const int LeastExponent = -126;

    // Bounds tried on each side: steps of 1 % of the extreme.
    private const int Steps = 100;

    private readonly Lock gate = new();
    private long[] bins = new long[2 * Side];
    private int exponent = LeastExponent;
    private float minimum = float.PositiveInfinity, maximum = float.NegativeInfinity;

    /// <summary>Whether values were seen, and all of them were finite.</summary>
    public bool IsFinite => float.IsFinite(minimum) && float.IsFinite(maximum);

    /// <summary>Counts values. Zeros are left out: they are on every grid, and behind a Relu most values are zero.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        float least = TensorPrimitives.Min(values), most = TensorPrimitives.Max(values);
        float largest = MathF.Max(-least, most);
        int scale = counts && largest > 0 && float.IsFinite(largest) ? Math.Max(LeastExponent, MathF.ILogB(largest) + 1 - SideBits) : 0;
        var own = counts && largest > 0 && float.IsFinite(largest) ? Count(values, scale) : null;
        lock (gate)
        {
            // MathF.Min and Max keep a NaN.
            (minimum, maximum) = (MathF.Min(minimum, least), MathF.Max(maximum, most));
            if (own is null)
            {
                return;
            }
            if (scale > exponent)
            {
                (bins, exponent) = (Coarser(bins, scale - exponent), scale);
            }
            for (int i = 0; i < own.Length; i++)
            {
                bins[Coarser(i, exponent - scale)] += own[i];
            }
        }
    }

    /// <summary>Counts values in bins of a width of 2^<paramref name="scale"/>.</summary>
    private static int[] Count(ReadOnlySpan<float> values, int scale)
    {
        // Zeros get bins of their own: whether a value is one cannot be foretold, and a wrong guess costs more than a count. A bin a lane,
        // since a bin that was just written is slow to read again.
        const int Zeros = 2 * Side;
        var own = new int[Zeros + Vector256<int>.Count];
        var zeros = Vector256.Create(Zeros) + Vector256<int>.Indices;
        float binsPerUnit = MathF.ScaleB(1, -scale);
        Span<int> found = stackalloc int[Vector256<int>.Count];
        int done = 0;
        for (; done <= values.Length - found.Length; done += found.Length)
        {
            var value = Vector256.Create(values[done..]);
            // By magnitude, so that both signs lose the same: bin m below zero is the complement of bin m above.
            var bin = Vector256.ConvertToInt32(Vector256.Abs(value) * Vector256.Create(binsPerUnit)) ^ (value.AsInt32() >> 31);
            Vector256.ConditionalSelect(
                Vector256.Equals(value, Vector256<float>.Zero).AsInt32(), zeros, bin + Vector256.Create(Side))
                .CopyTo(found);
            foreach (int i in found)
            {
                own[i]++;
            }
        }
        foreach (float value in values[done..])
        {
            int magnitude = (int)(MathF.Abs(value) * binsPerUnit);
            own[value == 0 ? Zeros : Side + (value < 0 ? ~magnitude : magnitude)]++;
        }
        return own[..Zeros];
    }

    private static long[] Coarser(long[] fine, int steps)
    {
        var coarse = new long[fine.Length];
        for (int i = 0; i < fine.Length; i++)
        {
            coarse[Coarser(i, steps)] += fine[i];
        }
        return coarse;
    }

    /// <summary>Where a bin's values are when bins are wider by some powers of two.</summary>
    private static int Coarser(int bin, int steps) => ((bin - Side) >> Math.Min(steps, 31)) + Side;

    /// <summary>The interval from the least to the largest value.</summary>
    public (double Minimum, double Maximum) Extremes() => (minimum, maximum);

    /// <summary>The interval between the quantiles.</summary>
    /// <param name="tail">Share of the values outside on either side. Range: [0, 0.5).</param>
    public (double Minimum, double Maximum) Percentile(double tail)
    {
        long outside = (long)(bins.Sum() * tail), below = 0, above = 0;
        int least = Array.FindIndex(bins, count => count > 0), most = Array.FindLastIndex(bins, count => count > 0);
        int first = least, last = most;
        while (first < last && (below += bins[first]) <= outside)
        {
            first++;
        }
        while (last > first && (above += bins[last]) <= outside)
        {
            last--;
        }
        return (first == least ? minimum : Centre(first), last == most ? maximum : Centre(last));
    }

    /// <summary>
    /// The interval [a, b] that minimises Σ (x − clip(x, a, b))² + n Δ²/12 over the values, n of them inside and Δ = (b − a)/255 the step
    /// of the grid: clipping error as counted, rounding error of a uniform quantizer (Widrow 1956).
    /// </summary>
    public (double Minimum, double Maximum) LeastSquares()
    {
        // Sums over the bins before each: of counts, of values, of squares.
        var (n, s, q) = (new double[bins.Length + 1], new double[bins.Length + 1], new double[bins.Length + 1]);
        for (int i = 0; i < bins.Length; i++)
        {
            double x = Centre(i);
            (n[i + 1], s[i + 1], q[i + 1]) = (n[i] + bins[i], s[i] + (bins[i] * x), q[i] + (bins[i] * x * x));
        }
        double least = double.PositiveInfinity;
        (double, double) best = (minimum, maximum);
        for (int low = minimum < 0 ? 1 : Steps; low <= Steps; low++)
        {
            for (int high = maximum > 0 ? 1 : Steps; high <= Steps; high++)
            {
                double a = Math.Min(minimum, 0) * low / Steps, b = Math.Max(maximum, 0) * high / Steps;
                int first = Bin(a), last = Bin(b);
                double step = (b - a) / ActivationRanges.MaximumCode;
                double below = q[first] - (2 * a * s[first]) + (a * a * n[first]);
                double above = q[^1] - q[last] - (2 * b * (s[^1] - s[last])) + (b * b * (n[^1] - n[last]));
                double error = below + above + ((n[last] - n[first]) * step * step / 12);
                if (error < least)
                {
                    (least, best) = (error, (a, b));
                }
            }
        }
        return best;

        int Bin(double value) => (int)Math.Clamp(Math.Round(Math.ScaleB(value, -exponent)) + Side, 0, bins.Length);
    }

    private double Centre(int bin) => Math.ScaleB(bin - Side + 0.5, exponent);
}
