using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// Cosine distance of an image's answer from the float network's: <c>ℓ(z) = 1 − z·z0 / (|z| |z0|)</c>. It does not see lengths.
/// With the scalar products of two shifts, that of a pair is arithmetic: <c>|z + δ_a + δ_b|² = |z|² + 2 z·(δ_a + δ_b) + |δ_a|² + |δ_b|² +
/// 2 δ_a·δ_b</c>. A vector of length 0 has no direction: its distance is 1, and 0 from another such.
/// </summary>
/// <param name="floatOutputs">z0. Shape: [images · elements].</param>
/// <param name="outputs">z: outputs where the measurement stands. Shape: [images · elements].</param>
/// <param name="size">Elements an image.</param>
internal sealed class CosineLoss(float[] floatOutputs, float[] outputs, int size) : OutputLoss
{
    private readonly Image[] images = [.. Enumerable.Range(0, outputs.Length / size).Select(image =>
    {
        double[] z0 = Doubles(floatOutputs.AsSpan(image * size, size)), z = Doubles(outputs.AsSpan(image * size, size));
        return new Image(z0, z, Math.Sqrt(Dot(z0, z0)), Dot(z, z0), Dot(z, z));
    })];

    public override double Base => 0;

    public override double Increase(int image, ReadOnlySpan<float> shift)
    {
        var (own, delta) = (images[image], Doubles(shift));
        return own.Distance(Dot(delta, own.Target), (2 * Dot(delta, own.Start)) + Dot(delta, delta)) - own.Distance(0, 0);
    }

    /// <summary>(z (z·z0) / |z|² − z0) / (|z| |z0|).</summary>
    public override void Slope(int image, Span<float> slope)
    {
        var own = images[image];
        double lengths = Math.Sqrt(own.Square) * own.TargetLength;
        for (int k = 0; k < slope.Length; k++)
        {
            slope[k] = lengths > 0 ? (float)(((own.Start[k] * own.Along / own.Square) - own.Target[k]) / lengths) : 0;
        }
    }

    /// <summary>
    /// (ε − z (z·ε) / |z|²) / |z| with signs ε: its mean outer product is (I − z zᵀ / |z|²) / |z|², the curvature where z is z0.
    /// </summary>
    public override void Draw(int image, Random random, Span<float> vector)
    {
        var own = images[image];
        double[] signs = [.. Enumerable.Range(0, size).Select(_ => (double)Sign(random))];
        double along = Dot(own.Start, signs);
        for (int k = 0; k < vector.Length; k++)
        {
            vector[k] = own.Square > 0 ? (float)((signs[k] - (own.Start[k] * along / own.Square)) / Math.Sqrt(own.Square)) : 0;
        }
    }

    protected override Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads)
    {
        var prepared = new Shift[shifts.Count][];
        Parallel.For(0, shifts.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            prepared[a] = [.. images.Select((own, image) =>
            {
                double[] delta = Doubles(shifts[a].AsSpan(image * size, size));
                double along = Dot(delta, own.Target), growth = (2 * Dot(delta, own.Start)) + Dot(delta, delta);
                return new Shift(delta, along, growth, own.Distance(along, growth));
            })];
        });
        return (a, b) =>
        {
            var moments = default(Moments);
            for (int image = 0; image < images.Length; image++)
            {
                var (own, first, second) = (images[image], prepared[a][image], prepared[b][image]);
                double growth = first.Growth + second.Growth + (2 * Dot(first.Delta, second.Delta));
                double both = own.Distance(first.Along + second.Along, growth);
                moments = moments.Plus(both - first.Distance - second.Distance + own.Distance(0, 0));
            }
            return moments;
        };
    }

    private static double Dot(double[] a, double[] b) => TensorPrimitives.Dot<double>(a, b);

    private static double[] Doubles(ReadOnlySpan<float> values)
    {
        var converted = new double[values.Length];
        TensorPrimitives.ConvertChecked<float, double>(values, converted);
        return converted;
    }

    /// <summary>An image's vectors.</summary>
    /// <param name="Target">z0.</param>
    /// <param name="Start">z.</param>
    /// <param name="TargetLength">|z0|.</param>
    /// <param name="Along">z·z0.</param>
    /// <param name="Square">|z|².</param>
    private sealed record Image(double[] Target, double[] Start, double TargetLength, double Along, double Square)
    {
        /// <summary>The distance where z·z0 is more by one number, and |z|² by another.</summary>
        public double Distance(double along, double growth)
        {
            double length = Math.Sqrt(Math.Max(0, Square + growth));
            return length > 0 && TargetLength > 0 ? 1 - ((Along + along) / (length * TargetLength)) : length == TargetLength ? 0 : 1;
        }
    }

    /// <summary>A candidate's shift on an image.</summary>
    /// <param name="Delta">δ.</param>
    /// <param name="Along">δ·z0.</param>
    /// <param name="Growth">2 z·δ + |δ|².</param>
    /// <param name="Distance">Distance at z + δ.</param>
    private sealed record Shift(double[] Delta, double Along, double Growth, double Distance);
}
