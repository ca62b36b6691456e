using System.Runtime.Intrinsics;

namespace Clado.Activations;

/// <summary>Counts of a tensor's values in bins of equal width, and the intervals that follow from them.</summary>
internal sealed class ActivationHistogram
{
    private const int BinCount = 4096;

    // Bounds tried on each side: steps of 1 % of the extreme.
    private const int Steps = 100;

    private readonly Lock gate = new();
    private readonly long[] counts = new long[BinCount];
    private readonly float minimum;
    private readonly float maximum;
    private readonly float binsPerUnit;

    /// <param name="minimum">Least value.</param>
    /// <param name="maximum">Largest value.</param>
    public ActivationHistogram(float minimum, float maximum)
    {
        (this.minimum, this.maximum) = (minimum, maximum);
        binsPerUnit = maximum > minimum ? BinCount / (maximum - minimum) : 0;
    }

    /// <summary>Counts values. Zeros are left out: they are on every grid, and behind a Relu most values are zero.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        // Zeros get a bin of their own: whether a value is one cannot be foretold, and a wrong guess costs more than a count.
        var own = new int[BinCount + 1];
        Span<int> bins = stackalloc int[Vector256<int>.Count];
        int done = 0;
        for (; done <= values.Length - bins.Length; done += bins.Length)
        {
            var value = Vector256.Create(values[done..]);
            var bin = Vector256.ConvertToInt32((value - Vector256.Create(minimum)) * Vector256.Create(binsPerUnit));
            bin = Vector256.Clamp(bin, Vector256<int>.Zero, Vector256.Create(BinCount - 1));
            Vector256.ConditionalSelect(
                Vector256.Equals(value, Vector256<float>.Zero).AsInt32(), Vector256.Create(BinCount), bin).CopyTo(bins);
            foreach (int i in bins)
            {
                own[i]++;
            }
        }
        foreach (float value in values[done..])
        {
            own[value == 0 ? BinCount : Math.Clamp((int)((value - minimum) * binsPerUnit), 0, BinCount - 1)]++;
        }
        lock (gate)
        {
            for (int i = 0; i < BinCount; i++)
            {
                counts[i] += own[i];
            }
        }
    }

    /// <summary>The interval from the least to the largest value.</summary>
    public (double Minimum, double Maximum) Extremes() => (minimum, maximum);

    /// <summary>The interval between the quantiles.</summary>
    /// <param name="tail">Share of the values outside on either side. Range: [0, 0.5).</param>
    public (double Minimum, double Maximum) Percentile(double tail)
    {
        long outside = (long)(counts.Sum() * tail), below = 0, above = 0;
        int first = 0, last = BinCount - 1;
        while (first < last && (below += counts[first]) <= outside)
        {
            first++;
        }
        while (last > first && (above += counts[last]) <= outside)
        {
            last--;
        }
        return (first == 0 ? minimum : Centre(first), last == BinCount - 1 ? maximum : Centre(last));
    }

    /// <summary>
    /// The interval [a, b] that minimises Σ (x − clip(x, a, b))² + n Δ²/12 over the values, n of them inside and Δ = (b − a)/255 the step
    /// of the grid: clipping error as counted, rounding error of a uniform quantizer (Widrow 1956).
    /// </summary>
    public (double Minimum, double Maximum) LeastSquares()
    {
        // Sums over the bins before each: of counts, of values, of squares.
        var (n, s, q) = (new double[BinCount + 1], new double[BinCount + 1], new double[BinCount + 1]);
        for (int i = 0; i < BinCount; i++)
        {
            double x = Centre(i);
            (n[i + 1], s[i + 1], q[i + 1]) = (n[i] + counts[i], s[i] + (counts[i] * x), q[i] + (counts[i] * x * x));
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
                double above = q[BinCount] - q[last] - (2 * b * (s[BinCount] - s[last])) + (b * b * (n[BinCount] - n[last]));
                double error = below + above + ((n[last] - n[first]) * step * step / 12);
                if (error < least)
                {
                    (least, best) = (error, (a, b));
                }
            }
        }
        return best;

        int Bin(double value) => (int)Math.Clamp(Math.Round((value - minimum) * binsPerUnit), 0, BinCount);
    }

    private double Centre(int bin) => binsPerUnit > 0 ? minimum + ((bin + 0.5) / binsPerUnit) : minimum;
}
