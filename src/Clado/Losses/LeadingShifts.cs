namespace Clado.Losses;

/// <summary>
/// Shifts of scores of classes along the directions of largest curvature, and a loss of them. Classes that move little there are one:
/// a pair of candidates then costs a few products, however many classes there are.
/// </summary>
internal sealed class LeadingShifts
{
    // Classes that are told apart, those that move together counting as one.
    private const int MostClasses = 32;

    private readonly int classes;
    private readonly float[] logits;
    private readonly double[][] vectors;
    private readonly double[] factors;

    /// <summary>Looks at a batch.</summary>
    /// <param name="loss">Its loss, of one distribution an image.</param>
    /// <param name="images">Images.</param>
    /// <param name="outputs">Classes.</param>
    /// <param name="directions">Directions of largest curvature.</param>
    public LeadingShifts(OutputLoss loss, int images, int outputs, int directions)
    {
        classes = Math.Min(outputs, MostClasses);
        (logits, factors) = (new float[images * classes], new double[images]);
        vectors = new double[images * directions][];
        for (int image = 0; image < images; image++)
        {
            var curvature = loss.Curvature(image)!;
            var merged = new MergedClasses(curvature, curvature.Leading(directions), classes);
            merged.Logits.CopyTo(logits.AsSpan(image * classes));
            merged.Vectors.CopyTo(vectors.AsSpan(image * directions));
            factors[image] = merged.Factor;
        }
        Loss = ClassLoss.KullbackLeibler(logits, logits, classes);
    }

    /// <summary>The divergence between the classes that are told apart, from where the measurement stands.</summary>
    public ClassLoss Loss { get; }

    /// <summary>Shifts of their scores.</summary>
    /// <param name="derivatives">Along the directions, of every candidate. Shape: [candidates][images · directions].</param>
    /// <param name="isWhole">
    /// Whether curvature that lies beside the directions is taken to lie along them: shifts are longer by the root of its share.
    /// </param>
    /// <returns>Shape: [candidates][images · classes that are told apart].</returns>
    public float[][] Of(IReadOnlyList<float[]> derivatives, bool isWhole) => [.. derivatives.Select(own =>
    {
        int directions = own.Length / factors.Length;
        var shift = new float[factors.Length * classes];
        for (int i = 0; i < own.Length; i++)
        {
            int image = i / directions;
            double along = own[i] * (isWhole ? factors[image] : 1);
            for (int k = 0; k < classes; k++)
            {
                shift[(image * classes) + k] += (float)(along * vectors[i][k]);
            }
        }
        return shift;
    })];
}
