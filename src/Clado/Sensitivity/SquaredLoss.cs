using System.Numerics.Tensors;

namespace Clado.Sensitivity;

/// <summary>
/// Mean squared error of the outputs, each divided by its own variance, averaged over the outputs: for networks whose answer is no
/// distribution over classes. With r = z − z0 an image's increase is <c>Σ δ (δ + 2r) / (n · variance)</c>; its cross term is exactly bilinear:
/// <c>2 Σ δ_a δ_b / (n · variance)</c>.
/// </summary>
internal sealed class SquaredLoss : OutputLoss
{
    private readonly float[] rootWeights;
    private readonly float[] residuals;

    /// <summary>Creates the loss.</summary>
    /// <param name="elementCounts">Elements an image of each output. Shape: [outputs].</param>
    /// <param name="variances">Variance of each output over images and elements. Shape: [outputs]. Range: (0, inf).</param>
    /// <param name="residuals">r. Shape: [images · elements].</param>
    public SquaredLoss(IReadOnlyList<int> elementCounts, IReadOnlyList<double> variances, float[] residuals)
    {
        this.residuals = residuals;
        rootWeights = [.. elementCounts.Zip(variances, (count, variance) =>
            Enumerable.Repeat((float)Math.Sqrt(1 / (variance * count * elementCounts.Count)), count)).SelectMany(w => w)];
    }

    public override double Base => 0;

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        double sum = 0;
        for (int k = 0; k < shift.Length; k++)
        {
            double weight = rootWeights[k], delta = shift[k];
            sum += weight * weight * delta * (delta + (2.0 * residuals[(image * shift.Length) + k]));
        }
        return sum;
    }

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
        int images = residuals.Length / rootWeights.Length;
        var scaled = new double[shifts.Count][];
        Parallel.For(0, shifts.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            scaled[a] = Array.ConvertAll(shifts[a], v => (double)v);
            for (int k = 0; k < scaled[a].Length; k++)
            {
                scaled[a][k] *= rootWeights[k % rootWeights.Length];
            }
        });
        return (a, b) =>
        {
            // An image at a time, so that a sum has the same terms in the same order however large the batch.
            var moments = default(Moments);
            for (int image = 0; image < images; image++)
            {
                var range = new Range(image * rootWeights.Length, (image + 1) * rootWeights.Length);
                moments = moments.Plus(2 * TensorPrimitives.Dot<double>(scaled[a].AsSpan(range), scaled[b].AsSpan(range)));
            }
            return moments;
        };
    }
}
