using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// Cross terms of class losses. Since exp(δ_a + δ_b) = exp δ_a · exp δ_b, a pair costs one dot product an image.
/// Rows are scaled by their largest δ.
/// </summary>
internal sealed class ClassPairs
{
    // Times the smallest safe sum this is still a double of all digits; no factor is above 1.
    private const double SmallestProduct = 1e-50;

    private readonly ClassDistributions distributions;
    private readonly IReadOnlyList<float[]> shifts;
    private readonly double[][] exponentials;
    private readonly double[][] weighted;
    private readonly double[][] logSums;
    private readonly double[] totals;

    /// <summary>Does what is done once a candidate.</summary>
    /// <param name="distributions">p of every image where the measurement stands.</param>
    /// <param name="shifts">δ of every candidate. Shape: [candidates][images · classes].</param>
    /// <param name="threads">Threads to use; the result does not depend on it.</param>
    public ClassPairs(ClassDistributions distributions, IReadOnlyList<float[]> shifts, int threads)
    {
        (this.distributions, this.shifts) = (distributions, shifts);
        exponentials = [.. shifts.Select(shift => new double[shift.Length])];
        weighted = [.. shifts.Select(shift => new double[shift.Length])];
        logSums = [.. shifts.Select(_ => new double[distributions.ImageCount])];
        Parallel.For(0, shifts.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, Prepare);
        totals = [.. logSums.Select(sums => sums.Sum())];
    }

    /// <summary>Moments of the cross term of two candidates.</summary>
    public Moments Of(int a, int b)
    {
        var moments = default(Moments);
        for (int image = 0; image < distributions.ImageCount; image++)
        {
            var own = distributions.RangeOf(image);
            double sum = TensorPrimitives.Dot<double>(weighted[a].AsSpan(own), exponentials[b].AsSpan(own));
            double log = ClassDistributions.IsSafe(sum) ? Math.Log(sum) : ScaledLogSum(image, a, b);
            moments = moments.Plus(log - logSums[a][image] - logSums[b][image]);
        }
        return moments;
    }

    /// <summary>
    /// The sum of the cross terms over all images, when no other moment is asked for: a logarithm of many factors is one logarithm.
    /// </summary>
    public double SumOf(int a, int b)
    {
        double sum = 0, product = 1;
        for (int image = 0; image < distributions.ImageCount; image++)
        {
            var own = distributions.RangeOf(image);
            double factor = TensorPrimitives.Dot<double>(weighted[a].AsSpan(own), exponentials[b].AsSpan(own));
            if (!ClassDistributions.IsSafe(factor))
            {
                sum += ScaledLogSum(image, a, b);
                continue;
            }
            product *= factor;
            if (product < SmallestProduct)
            {
                sum += Math.Log(product);
                product = 1;
            }
        }
        return sum + Math.Log(product) - totals[a] - totals[b];
    }

    private void Prepare(int a)
    {
        var (e, w) = (exponentials[a], weighted[a]);
        for (int image = 0; image < distributions.ImageCount; image++)
        {
            var own = distributions.RangeOf(image);
            var shift = shifts[a].AsSpan(own);
            double largest = TensorPrimitives.Max<float>(shift);
            for (int k = 0; k < shift.Length; k++)
            {
                e[own.Start.Value + k] = Math.Exp(shift[k] - largest);
            }
            TensorPrimitives.Multiply(e.AsSpan(own), distributions.Probabilities.AsSpan(own), w.AsSpan(own));
            double sum = TensorPrimitives.Sum<double>(w.AsSpan(own));
            logSums[a][image] = ClassDistributions.IsSafe(sum) ? Math.Log(sum) : distributions.LogSum(image, shift, default) - largest;
        }
    }

    /// <summary>log Σ p exp(δ_a + δ_b), a term at a time, less the largest of either.</summary>
    private double ScaledLogSum(int image, int a, int b)
    {
        var own = distributions.RangeOf(image);
        var first = shifts[a].AsSpan(own);
        var second = shifts[b].AsSpan(own);
        return distributions.LogSum(image, first, second) - TensorPrimitives.Max<float>(first) - TensorPrimitives.Max<float>(second);
    }
}
