using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>Distributions over classes, p = softmax(z), one an image.</summary>
internal sealed class ClassDistributions
{
    // Below this a sum of exponentials has lost digits to the range of a double, and is computed a term at a time.
    private const double SmallestSafeSum = 1e-250;

    private readonly int classes;
    private readonly double[] logSums;

    /// <summary>Makes them.</summary>
    /// <param name="logits">z. Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    public ClassDistributions(ReadOnlySpan<float> logits, int classes)
    {
        this.classes = classes;
        Probabilities = new double[logits.Length];
        logSums = new double[logits.Length / classes];
        for (int image = 0; image < logSums.Length; image++)
        {
            var z = logits.Slice(image * classes, classes);
            var p = Probabilities.AsSpan(image * classes, classes);
            double largest = TensorPrimitives.Max(z), sum = 0;
            for (int k = 0; k < classes; k++)
            {
                sum += p[k] = Math.Exp(z[k] - largest);
            }
            for (int k = 0; k < classes; k++)
            {
                p[k] /= sum;
            }
            logSums[image] = largest + Math.Log(sum);
        }
    }

    /// <summary>Number of images.</summary>
    public int ImageCount => logSums.Length;

    /// <summary>p. Shape: [images · classes].</summary>
    public double[] Probabilities { get; }

    /// <summary>log Σ exp z of each image. Shape: [images].</summary>
    public IReadOnlyList<double> LogSums => logSums;

    /// <summary>Where an image's classes lie.</summary>
    public Range RangeOf(int image) => new(image * classes, (image + 1) * classes);

    /// <summary>Whether a sum of exponentials kept its digits.</summary>
    public static bool IsSafe(double sum) => sum >= SmallestSafeSum;

    /// <summary>log Σ p exp(δ_a + δ_b) without under- or overflow, a term at a time.</summary>
    /// <param name="image">The image.</param>
    /// <param name="a">δ_a. Shape: [classes].</param>
    /// <param name="b">δ_b, or nothing. Shape: [classes].</param>
    public double LogSum(int image, ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var p = Probabilities.AsSpan(RangeOf(image));
        double largest = double.NegativeInfinity, sum = 0;
        for (int k = 0; k < classes; k++)
        {
            // A probability that underflowed counts as the smallest double: far beyond any measured difference.
            double term = Math.Log(Math.Max(p[k], double.Epsilon)) + a[k] + (b.IsEmpty ? 0 : b[k]);
            if (term > largest)
            {
                sum = (sum * Math.Exp(largest - term)) + 1;
                largest = term;
            }
            else
            {
                sum += Math.Exp(term - largest);
            }
        }
        return largest + Math.Log(sum);
    }
}
