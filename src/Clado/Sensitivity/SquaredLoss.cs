using System.Numerics.Tensors;

namespace Clado.Sensitivity;

/// <summary>
/// Mean squared error of the outputs, each divided by its own variance, averaged over the outputs: for networks whose answer is no
/// distribution over classes. Its cross term is exactly bilinear: <c>2 Σ δ_a δ_b / (n · variance)</c>.
/// </summary>
internal sealed class SquaredLoss : OutputLoss
{
    private readonly float[] rootWeights;
    private readonly int images;

    /// <summary>Creates the loss.</summary>
    /// <param name="elementCounts">Elements an image of each output. Shape: [outputs].</param>
    /// <param name="variances">Variance of each output over images and elements. Shape: [outputs]. Range: (0, inf).</param>
    /// <param name="images">Images in the batch.</param>
    public SquaredLoss(IReadOnlyList<int> elementCounts, IReadOnlyList<double> variances, int images)
    {
        this.images = images;
        rootWeights = [.. elementCounts.Zip(variances, (count, variance) =>
            Enumerable.Repeat((float)Math.Sqrt(1 / (variance * count * elementCounts.Count)), count)).SelectMany(w => w)];
    }

    public override double Base => 0;

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        double sum = 0;
        for (int k = 0; k < shift.Length; k++)
        {
            double scaled = (double)shift[k] * rootWeights[k];
            sum += scaled * scaled;
        }
        return sum;
    }

    protected override Func<int, int, double> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
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
            double total = 0;
            for (int image = 0; image < images; image++)
            {
                var range = new Range(image * rootWeights.Length, (image + 1) * rootWeights.Length);
                total += 2 * TensorPrimitives.Dot<double>(scaled[a].AsSpan(range), scaled[b].AsSpan(range));
            }
            return total;
        };
    }
}
