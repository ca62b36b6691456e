namespace Clado.Sensitivity;

/// <summary>
/// The loss of a batch of images as a function of the shift of the network's outputs, <c>δ = z′ − z0</c>. Everything is an increase over the
/// float network's loss on the same image, so that no constant can leak into the cross terms (docs/method.md, "Loss").
/// </summary>
internal abstract class OutputLoss
{
    /// <summary>Mean loss of the float network over the batch, in nats (0 for losses that compare with the float network).</summary>
    public abstract double Base { get; }

    /// <summary>Loss increase of one image.</summary>
    /// <param name="image">Position in the batch.</param>
    /// <param name="shift">δ of that image. Shape: [outputs].</param>
    public abstract double Increase(int image, ReadOnlySpan<float> shift);

    /// <summary>
    /// <c>ℓ(z0 + δ_a + δ_b) − ℓ(z0 + δ_a) − ℓ(z0 + δ_b) + ℓ(z0)</c> summed over the images, for all pairs of different layers.
    /// </summary>
    /// <param name="shifts">δ of every candidate. Shape: [candidates][images · outputs].</param>
    /// <param name="layerOf">Layer of every candidate. Shape: [candidates].</param>
    /// <param name="threads">Threads to use; the result does not depend on it.</param>
    /// <returns>Symmetric, zero inside a layer. Shape: [candidates, candidates].</returns>
    public double[] CrossTerms(IReadOnlyList<float[]> shifts, int[] layerOf, int threads)
    {
        int n = layerOf.Length;
        var sum = new double[n * n];
        var rows = Prepare(shifts, threads);
        Parallel.For(0, n, new ParallelOptions { MaxDegreeOfParallelism = threads }, a =>
        {
            for (int b = a + 1; b < n; b++)
            {
                if (layerOf[a] != layerOf[b])
                {
                    sum[(a * n) + b] = rows(a, b);
                }
            }
        });
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b < a; b++)
            {
                sum[(a * n) + b] = sum[(b * n) + a];
            }
        }
        return sum;
    }

    /// <summary>Sum of the increases of all images.</summary>
    /// <param name="shifts">Shape: [images · outputs].</param>
    /// <param name="outputs">Outputs an image.</param>
    public double TotalIncrease(ReadOnlySpan<float> shifts, int outputs)
    {
        double sum = 0;
        for (int image = 0; image * outputs < shifts.Length; image++)
        {
            sum += Increase(image, shifts.Slice(image * outputs, outputs));
        }
        return sum;
    }

    /// <summary>Does what can be done once a candidate, and gives the function from a pair of candidates to its cross term.</summary>
    protected abstract Func<int, int, double> Prepare(IReadOnlyList<float[]> shifts, int threads);
}
