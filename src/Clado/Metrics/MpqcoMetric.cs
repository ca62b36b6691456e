namespace Clado.Metrics;

/// <summary>
/// MPQCO: half the second-order Taylor term of each layer, with the Hessian as the mean of outer products of gradients:
/// <c>s(i, b) = ½ mean over x of (∇_i ℓ(x, y) · Δ_ib)²</c> (arXiv 2110.06554: the approximation of the Hessian, and the objective of the
/// multiple-choice knapsack).
/// <para>
/// Deviations. The knapsack is solved to proof instead of greedily. Where images have no labels, gradients go back from drawn vectors whose
/// mean outer product is the curvature of the run's loss; `fisher` has the same without the draws.
/// </para>
/// </summary>
internal sealed class MpqcoMetric : IMetric
{
    public string Name => "mpqco";

    public string Description => "squared products of every image's gradient with what rounding changes";

    public string Source => "MPQCO, arXiv 2110.06554: ½ Δᵀ H Δ with H the mean of ∇ℓ ∇ℓᵀ";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => ImageGradients.PassesAnImage;

    public MetricScores Measure(MetricContext context)
    {
        var changes = Enumerable.Range(0, context.Layers.Count).Select(layer => WeightErrors.OfLayer(context, layer)).ToArray();
        var scores = new double[context.Candidates.Count];
        ImageGradients.ForEach(context, (_, gradients) => Products(changes, gradients, scores.Length), products =>
        {
            for (int row = 0; row < scores.Length; row++)
            {
                scores[row] += products[row] * products[row] / (2.0 * context.Inputs.Work.Images.Items.Count);
            }
        });
        return MetricScores.Of(scores);
    }

    /// <summary>Scalar products of an image's gradients with all changes. Shape: [candidates].</summary>
    private static double[] Products(IReadOnlyList<(int Row, float[] Change)>[] changes, float[][] gradients, int count)
    {
        var products = new double[count];
        foreach (var (layer, gradient) in gradients.Index())
        {
            foreach (var (row, change) in changes[layer])
            {
                double sum = 0;
                for (int i = 0; i < gradient.Length; i++)
                {
                    sum += (double)gradient[i] * change[i];
                }
                products[row] = sum;
            }
        }
        return products;
    }
}
