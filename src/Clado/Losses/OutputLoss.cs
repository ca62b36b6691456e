namespace Clado.Losses;

/// <summary>
/// The loss of a batch of images as a function of the shift of the network's outputs, <c>δ = z′ − z</c>. It is a shift from where the
/// measurement stands: the float network (z = z0) or an operating point. Everything is an increase over the loss there on the same
/// image, so that no constant can leak into the cross terms (docs/method.md, "Loss").
/// </summary>
internal abstract class OutputLoss
{
    /// <summary>Mean loss of the float network over the batch, in nats (0 for losses that compare with the float network).</summary>
    public abstract double Base { get; }

    /// <summary>Loss increase of one image.</summary>
    /// <param name="image">Position in the batch.</param>
    /// <param name="shift">δ of that image. Shape: [outputs].</param>
    public abstract double Increase(int image, ReadOnlySpan<float> shift);

    /// <summary>The loss's gradient by the outputs where the measurement stands.</summary>
    /// <param name="image">Position in the batch.</param>
    /// <param name="slope">∂ℓ/∂z of that image; written. Shape: [outputs].</param>
    public abstract void Slope(int image, Span<float> slope);

    /// <summary>The curvature ∂²ℓ/∂z² where the measurement stands, where it is that of one distribution; else null.</summary>
    /// <param name="image">Position in the batch.</param>
    public virtual ClassCurvature? Curvature(int image) => null;

    /// <summary>
    /// Draws a vector v of random signs times a root of the curvature, so that the mean outer product E[v vᵀ] is ∂²ℓ/∂z² (docs/method.md,
    /// "Fisher"): where the measurement stands for losses of classes and squares, as at the float network for the cosine.
    /// </summary>
    /// <param name="image">Position in the batch.</param>
    /// <param name="random">What is drawn from.</param>
    /// <param name="vector">v of that image; written. Shape: [outputs].</param>
    public abstract void Draw(int image, Random random, Span<float> vector);

    /// <summary>
    /// <c>ℓ(z + δ_a + δ_b) − ℓ(z + δ_a) − ℓ(z + δ_b) + ℓ(z)</c> over the images, for all pairs of different layers. The diagonal is left
    /// to others.
    /// </summary>
    /// <param name="shifts">δ of every candidate. Shape: [candidates][images · outputs].</param>
    /// <param name="layerOf">Layer of every candidate. Shape: [candidates].</param>
    /// <param name="threads">Threads to use; the result does not depend on it.</param>
    public MatrixMoments CrossTerms(IReadOnlyList<float[]> shifts, int[] layerOf, int threads)
    {
        var moments = new MatrixMoments(layerOf.Length);
        var pair = Prepare(shifts, threads);
        Parallel.For(0, layerOf.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            for (int b = a + 1; b < layerOf.Length; b++)
            {
                if (layerOf[a] != layerOf[b])
                {
                    moments[a, b] = pair(a, b);
                }
            }
        });
        return moments;
    }

    /// <summary>Loss increases of all images of the batch.</summary>
    /// <param name="shifts">Shape: [images · outputs].</param>
    /// <param name="outputs">Outputs an image.</param>
    /// <returns>Shape: [images].</returns>
    public double[] Increases(ReadOnlySpan<float> shifts, int outputs)
    {
        var increases = new double[shifts.Length / outputs];
        for (int image = 0; image < increases.Length; image++)
        {
            increases[image] = Increase(image, shifts.Slice(image * outputs, outputs));
        }
        return increases;
    }

    /// <summary>1 or −1.</summary>
    protected static int Sign(Random random) => random.Next(2) == 0 ? 1 : -1;

    /// <summary>Does what is done once a candidate.</summary>
    /// <param name="shifts">δ of every candidate. Shape: [candidates][images · outputs].</param>
    /// <param name="threads">Threads to use; the result does not depend on it.</param>
    /// <returns>The function from a pair of candidates to the moments of its cross term.</returns>
    protected abstract Func<int, int, Moments> Prepare(IReadOnlyList<float[]> shifts, int threads);
}
