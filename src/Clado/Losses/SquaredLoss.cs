using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// Mean squared error of the outputs, for networks whose answer is no distribution over classes. Each part is divided by its own variance;
/// the mean is over the elements of an output and over the outputs. With r = z − z0 an image's increase is <c>Σ ω δ (δ + 2r)</c>. Its
/// cross term is exactly bilinear: <c>2 Σ ω δ_a δ_b</c>.
/// </summary>
/// <param name="weights">ω. Shape: [elements].</param>
/// <param name="residuals">r. Shape: [images · elements].</param>
internal sealed class SquaredLoss(double[] weights, float[] residuals) : OutputLoss
{
    /// <summary>ω = 1 / (outputs · elements of the output · variance of the part). Shape: [elements of all outputs].</summary>
    /// <param name="scales">Units of the outputs. Shape: [outputs].</param>
    public static double[] Weights(IReadOnlyList<OutputScale> scales) =>
        [.. scales.SelectMany(scale => Enumerable.Range(0, scale.Parts.ElementCount).Select(element =>
            1 / (scale.Variances[scale.Parts.Of(element)] * scale.Parts.ElementCount * scales.Count)))];

    /// <summary>The loss where the measurement stands.</summary>
    /// <param name="floatOutputs">z0. Shape: [images · elements].</param>
    /// <param name="outputs">z. Shape: [images · elements].</param>
    /// <param name="weights">ω. Shape: [elements].</param>
    public static SquaredLoss Between(float[] floatOutputs, float[] outputs, double[] weights) =>
        new(weights, [.. outputs.Zip(floatOutputs, (z, z0) => z - z0)]);

    public override double Base => 0;

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        double sum = 0;
        for (int k = 0; k < shift.Length; k++)
        {
            double delta = shift[k];
            sum += weights[k] * delta * (delta + (2.0 * residuals[(image * shift.Length) + k]));
        }
        return sum;
    }

    /// <summary>2 ω r.</summary>
    public override void Slope(int image, Span<float> slope)
    {
        for (int k = 0; k < slope.Length; k++)
        {
            slope[k] = (float)(2 * weights[k] * residuals[(image * slope.Length) + k]);
        }
    }

    /// <summary>±√(2 ω): its mean outer product is diag 2 ω.</summary>
    public override void Draw(int image, Random random, Span<float> vector)
    {
        for (int k = 0; k < vector.Length; k++)
        {
            vector[k] = (float)Math.Sqrt(2 * weights[k]) * Sign(random);
        }
    }

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
        int size = weights.Length, images = residuals.Length / size;
        double[] roots = [.. weights.Select(Math.Sqrt)];
        var scaled = new double[shifts.Count][];
        Parallel.For(0, shifts.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            scaled[a] = Array.ConvertAll(shifts[a], v => (double)v);
            for (int k = 0; k < scaled[a].Length; k++)
            {
                scaled[a][k] *= roots[k % size];
            }
        });
        return (a, b) =>
        {
            // An image at a time, so that a sum has the same terms in the same order however large the batch.
            var moments = default(Moments);
            for (int image = 0; image < images; image++)
            {
                var range = new Range(image * size, (image + 1) * size);
                moments = moments.Plus(2 * TensorPrimitives.Dot<double>(scaled[a].AsSpan(range), scaled[b].AsSpan(range)));
            }
            return moments;
        };
    }
}
