using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// Cross-entropy against a target distribution t: <c>ℓ(z) = log Σ exp z − Σ t z</c>. With p = softmax(z) an image's increase is
/// <c>log Σ p exp δ − Σ t δ</c>. With t = softmax(z0) that is the increase of KL(t ‖ softmax(z + δ)); with t one-hot it is that
/// of the label's cross-entropy (arXiv 2307.05657, eq. 2). The cross term has no t in it: it is the same for both.
/// </summary>
internal sealed class ClassLoss : OutputLoss
{
    private readonly ClassDistributions distributions;
    private readonly double[] targets;

    private ClassLoss(ClassDistributions distributions, double[] targets, double baseLoss) =>
        (this.distributions, this.targets, Base) = (distributions, targets, baseLoss);

    public override double Base { get; }

    /// <summary>KL divergence from the float network's distribution; needs no labels.</summary>
    /// <param name="floatLogits">z0. Shape: [images · classes].</param>
    /// <param name="logits">z. Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    public static ClassLoss KullbackLeibler(ReadOnlySpan<float> floatLogits, ReadOnlySpan<float> logits, int classes) =>
        new(new(logits, classes), new ClassDistributions(floatLogits, classes).Probabilities, 0);

    /// <summary>Cross-entropy of the labels.</summary>
    /// <param name="floatLogits">z0. Shape: [images · classes].</param>
    /// <param name="logits">z. Shape: [images · classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">Class indices. Shape: [images]. Range: [0, classes).</param>
    public static ClassLoss CrossEntropy(
        ReadOnlySpan<float> floatLogits, ReadOnlySpan<float> logits, int classes, ReadOnlySpan<int> labels)
    {
        var logSums = new ClassDistributions(floatLogits, classes).LogSums;
        var targets = new double[logits.Length];
        double sum = 0;
        for (int image = 0; image < labels.Length; image++)
        {
            targets[(image * classes) + labels[image]] = 1;
            sum += logSums[image] - floatLogits[(image * classes) + labels[image]];
        }
        return new ClassLoss(new(logits, classes), targets, sum / labels.Length);
    }

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        var own = distributions.RangeOf(image);
        var p = distributions.Probabilities.AsSpan(own);
        var t = targets.AsSpan(own);
        double largest = TensorPrimitives.Max(shift);
        double sum = 0, expected = 0;
        for (int k = 0; k < shift.Length; k++)
        {
            sum += p[k] * Math.Exp(shift[k] - largest);
            expected += t[k] * (shift[k] - largest);
        }
        double log = ClassDistributions.IsSafe(sum) ? Math.Log(sum) : distributions.LogSum(image, shift, default) - largest;
        return log - expected;
    }

    /// <summary>p − t.</summary>
    public override void Slope(int image, Span<float> slope)
    {
        var own = distributions.RangeOf(image);
        for (int k = 0; k < slope.Length; k++)
        {
            slope[k] = (float)(distributions.Probabilities[own.Start.Value + k] - targets[own.Start.Value + k]);
        }
    }

    public override ClassCurvature Curvature(int image) => new(distributions.Probabilities.AsSpan(distributions.RangeOf(image)));

    /// <summary>√p ε − p Σ √p ε with signs ε: its mean outer product is diag p − p pᵀ.</summary>
    public override void Draw(int image, Random random, Span<float> vector)
    {
        var p = distributions.Probabilities.AsSpan(distributions.RangeOf(image));
        double sum = 0;
        var signed = new double[p.Length];
        for (int k = 0; k < p.Length; k++)
        {
            sum += signed[k] = Math.Sqrt(p[k]) * Sign(random);
        }
        for (int k = 0; k < p.Length; k++)
        {
            vector[k] = (float)(signed[k] - (p[k] * sum));
        }
    }

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads) =>
        new ClassPairs(distributions, shifts, threads).Of;
}
