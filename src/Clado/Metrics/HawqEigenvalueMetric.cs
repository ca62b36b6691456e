namespace Clado.Metrics;

/// <summary>
/// HAWQ: <c>s(i, b) = λ_i ‖Q_b(w_i) − w_i‖²</c> with the largest eigenvalue of a layer's block of the Hessian, by power iteration
/// (arXiv 1905.03696: λ orders the layers, and λ‖Δ‖² the order in which they are tuned).
/// <para>
/// Deviations. The paper chooses bits by hand, in the order of λ_i / n_i; the product takes the place of the hand. The Hessian is of
/// cross-entropy where images have labels, else of the run's loss; its products are differences (<see cref="LossCurvature"/>), of 32
/// images, ten a layer. An eigenvalue below 0 counts as 0.
/// </para>
/// </summary>
internal sealed class HawqEigenvalueMetric : IMetric
{
    internal const int Iterations = 10;

    internal const int Images = 32;

    public string Name => "hawq";

    public string Description => "largest eigenvalue of a layer's Hessian, times the squared error";

    public string Source => "HAWQ, arXiv 1905.03696: λ ‖Q(w) − w‖²";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context)
    {
        int all = context.Inputs.Work.Images.Items.Count;
        double layers = Enumerable.Range(0, context.Layers.Count).Sum(layer =>
            1 + (Iterations * ((2 * context.SuffixShare(layer)) + (context.Layers[layer].Macs / (double)Math.Max(1, context.Cuts.Macs)))));
        return (1 + layers) * Math.Min(Images, all) / all;
    }

    public MetricScores Measure(MetricContext context)
    {
        double[] largest = Eigenvalues(context, Iterations);
        return MetricScores.Of(
            [.. WeightErrors.Of(context).Select((error, row) => Math.Max(0, largest[context.LayerOf[row]]) * error)]);
    }

    /// <summary>The largest eigenvalue of every layer's block, as the last iterate's Rayleigh quotient. Shape: [layers].</summary>
    /// <param name="context">The network.</param>
    /// <param name="iterations">Products a layer. Range: [1, inf).</param>
    internal static double[] Eigenvalues(MetricContext context, int iterations)
    {
        using var all = new LossCurvature(context, context.Images(Images));
        var values = new double[context.Layers.Count];
        for (int index = 0; index < values.Length; index++)
        {
            using var curvature = all.Block(index);
            var random = new Random(index);
            double[] vector = Unit([.. Enumerable.Range(0, curvature.Parameters).Select(_ => random.Next(2) == 0 ? 1.0 : -1.0)]);
            for (int i = 0; i < iterations; i++)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                double[] product = curvature.Times(vector);
                values[index] = product.Zip(vector, (p, v) => p * v).Average();
                vector = Unit(product);
                context.Report((index + ((i + 1.0) / iterations)) / values.Length);
            }
        }
        return values;
    }

    /// <summary>The vector at a mean square of 1; as it is where it has none.</summary>
    private static double[] Unit(double[] vector)
    {
        double size = Math.Sqrt(vector.Average(value => value * value));
        return size > 0 ? [.. vector.Select(value => value / size)] : vector;
    }
}
