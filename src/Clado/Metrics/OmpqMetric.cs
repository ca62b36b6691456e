namespace Clado.Metrics;

/// <summary>
/// OMPQ: layers whose outputs are like those of others get fewer bits. The likeness of two layers is the linear CKA of their outputs on the
/// same images, <c>‖Y_jᵀ Y_i‖²_F / (‖Y_iᵀ Y_i‖_F ‖Y_jᵀ Y_j‖_F)</c>; γ_i is what layer i has of it with the others, and
/// <c>θ_i = exp(−β γ_i)</c> the worth of a bit: <c>Σ θ_i b_i</c> is maximised (arXiv 2109.07865: the orthogonality metric, and the linear
/// program).
/// <para>
/// Deviations. Outputs are centred over the images, as CKA is defined (arXiv 1905.00414, eq. 4); γ is a mean over the other layers instead
/// of a sum, so that it does not grow with their number; β is 10, as in the authors' example for ResNet-18. Of 64 images. The candidates'
/// errors are not looked at.
/// </para>
/// </summary>
internal sealed class OmpqMetric : IMetric
{
    internal const int Images = 64;

    private const double Sharpness = 10;

    public string Name => "ompq";

    public string Description => "layers whose outputs are like those of others get fewer bits (CKA)";

    public string Source => "OMPQ, arXiv 2109.07865: maximise Σ exp(−β γ) b";

    public MetricNeeds Needs => MetricNeeds.Images;

    public MetricScores Measure(MetricContext context)
    {
        double[][] likeness = Likeness(context);
        double[] worths = [.. likeness.Select((own, i) =>
            Math.Exp(-Sharpness * own.Where((_, j) => j != i).DefaultIfEmpty(0).Average()))];
        return BitWorth.Scores(context, worths);
    }

    /// <summary>The linear CKA of all pairs of layers. Shape: [layers][layers].</summary>
    internal static double[][] Likeness(MetricContext context)
    {
        var images = context.Images(Images);
        var grams = new double[context.Layers.Count][];
        LayerOutputs.ForEach(context, images, (layer, outputs) => grams[layer] = CentredGram(outputs));
        double[] norms = [.. grams.Select(gram => Math.Sqrt(Product(gram, gram)))];
        return [.. grams.Select((a, i) => grams.Select((b, j) =>
            norms[i] * norms[j] > 0 ? Product(a, b) / (norms[i] * norms[j]) : 0).ToArray())];
    }

    /// <summary>Y Yᵀ of outputs that are centred over the images: ‖Y_jᵀ Y_i‖² is the product of two of them. Shape: [images²].</summary>
    private static double[] CentredGram(float[][] outputs)
    {
        int n = outputs.Length;
        var gram = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double sum = 0;
                for (int i = 0; i < outputs[a].Length; i++)
                {
                    sum += (double)outputs[a][i] * outputs[b][i];
                }
                gram[(a * n) + b] = gram[(b * n) + a] = sum;
            }
        }
        double[] means = [.. Enumerable.Range(0, n).Select(a => gram.AsSpan(a * n, n).ToArray().Average())];
        double mean = means.Average();
        return [.. gram.Select((value, i) => value - means[i / n] - means[i % n] + mean)];
    }

    private static double Product(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}

/// <summary>Scores of metrics that say what a bit is worth in a layer, whatever rounding changes there.</summary>
internal static class BitWorth
{
    /// <summary>Scores whose minimum is the largest sum of worth times bits.</summary>
    /// <param name="context">The candidates.</param>
    /// <param name="worths">What a bit is worth in each layer. Shape: [layers].</param>
    public static MetricScores Scores(MetricContext context, double[] worths)
    {
        int most = context.Candidates.Max(candidate => candidate.Bits);
        return MetricScores.Of([.. context.Candidates.Select((candidate, row) => worths[context.LayerOf[row]] * (most - candidate.Bits))]);
    }
}
