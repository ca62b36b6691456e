using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// Cross-entropy against a target distribution t: <c>ℓ(z) = log Σ exp z − Σ t z</c>, so an image's increase is
/// <c>log Σ p exp δ − Σ t δ</c> with p = softmax(z). With t = softmax(z0) it is the increase of KL(t ‖ softmax(z + δ)); with t one-hot that of the
/// label's cross-entropy (arXiv 2307.05657, eq. 2). The cross term has no t in it: it is the same for both.
/// </summary>
internal sealed class ClassLoss : OutputLoss
{
    // Below this a product of exponentials has lost digits to the range of a double, and the pair is computed one by one.
    private const double SmallestSafeSum = 1e-250;

    private readonly int classes;
    private readonly double[] probabilities;
    private readonly double[] targets;

    private ClassLoss(int classes, double[] probabilities, double[] targets, double baseLoss) =>
        (this.classes, this.probabilities, this.targets, Base) = (classes, probabilities, targets, baseLoss);

    public override double Base { get; }

    /// <summary>KL divergence from the float network's distribution; needs no labels.</summary>
    /// <param name="floatLogits">z0. Shape: [images · classes].</param>
    /// <param name="logits">z. Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    public static ClassLoss KullbackLeibler(ReadOnlySpan<float> floatLogits, ReadOnlySpan<float> logits, int classes) =>
        new(classes, Softmax(logits, classes, out _), Softmax(floatLogits, classes, out _), 0);

    /// <summary>Cross-entropy of the labels.</summary>
    /// <param name="floatLogits">z0. Shape: [images · classes].</param>
    /// <param name="logits">z. Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">Class indices. Shape: [images]. Range: [0, classes).</param>
    public static ClassLoss CrossEntropy(ReadOnlySpan<float> floatLogits, ReadOnlySpan<float> logits, int classes, ReadOnlySpan<int> labels)
    {
        var p = Softmax(logits, classes, out _);
        Softmax(floatLogits, classes, out var logSums);
        var targets = new double[p.Length];
        double sum = 0;
        for (int image = 0; image < labels.Length; image++)
        {
            targets[(image * classes) + labels[image]] = 1;
            sum += logSums[image] - floatLogits[(image * classes) + labels[image]];
        }
        return new ClassLoss(classes, p, targets, sum / labels.Length);
    }

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        var p = probabilities.AsSpan(image * classes, classes);
        var t = targets.AsSpan(image * classes, classes);
        double largest = TensorPrimitives.Max(shift);
        double sum = 0, expected = 0;
        for (int k = 0; k < shift.Length; k++)
        {
            sum += p[k] * Math.Exp(shift[k] - largest);
            expected += t[k] * (shift[k] - largest);
        }
        return sum >= SmallestSafeSum ? Math.Log(sum) - expected : LogSum(image, shift, default) - largest - expected;
    }

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
        // exp(δ_a + δ_b) = exp δ_a · exp δ_b: a pair costs one dot product an image. Rows are scaled by their largest δ.
        int images = probabilities.Length / classes;
        var exponentials = new double[shifts.Count][];
        var weighted = new double[shifts.Count][];
        var logSums = new double[shifts.Count][];
        Parallel.For(0, shifts.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            var e = new double[shifts[a].Length];
            var w = new double[e.Length];
            var logs = new double[images];
            for (int image = 0; image < images; image++)
            {
                var range = new Range(image * classes, (image + 1) * classes);
                double largest = TensorPrimitives.Max<float>(shifts[a].AsSpan(range));
                for (int k = image * classes; k < (image + 1) * classes; k++)
                {
                    e[k] = Math.Exp(shifts[a][k] - largest);
                }
                TensorPrimitives.Multiply(e.AsSpan(range), probabilities.AsSpan(range), w.AsSpan(range));
                double sum = TensorPrimitives.Sum<double>(w.AsSpan(range));
                logs[image] = sum >= SmallestSafeSum ? Math.Log(sum) : LogSum(image, shifts[a].AsSpan(range), default) - largest;
            }
            (exponentials[a], weighted[a], logSums[a]) = (e, w, logs);
        });
        return (a, b) =>
        {
            var moments = default(Moments);
            for (int image = 0; image < images; image++)
            {
                var range = new Range(image * classes, (image + 1) * classes);
                double sum = TensorPrimitives.Dot<double>(weighted[a].AsSpan(range), exponentials[b].AsSpan(range));
                double log = sum >= SmallestSafeSum
                    ? Math.Log(sum)
                    : LogSum(image, shifts[a].AsSpan(range), shifts[b].AsSpan(range))
                        - TensorPrimitives.Max<float>(shifts[a].AsSpan(range)) - TensorPrimitives.Max<float>(shifts[b].AsSpan(range));
                moments = moments.Plus(log - logSums[a][image] - logSums[b][image]);
            }
            return moments;
        };
    }

    /// <summary>log Σ p exp(δ_a + δ_b) without under- or overflow, a term at a time; the second shift may be empty.</summary>
    private double LogSum(int image, ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var p = probabilities.AsSpan(image * classes, classes);
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

    /// <summary>Softmax of each image, and log Σ exp of its logits.</summary>
    internal static double[] Softmax(ReadOnlySpan<float> logits, int classes, out double[] logSums)
    {
        var p = new double[logits.Length];
        logSums = new double[logits.Length / classes];
        for (int image = 0; image < logSums.Length; image++)
        {
            var z = logits.Slice(image * classes, classes);
            double largest = TensorPrimitives.Max(z), sum = 0;
            for (int k = 0; k < classes; k++)
            {
                sum += p[(image * classes) + k] = Math.Exp(z[k] - largest);
            }
            for (int k = 0; k < classes; k++)
            {
                p[(image * classes) + k] /= sum;
            }
            logSums[image] = largest + Math.Log(sum);
        }
        return p;
    }
}
