namespace Clado.Metrics;

/// <summary>
/// The error of the weights relative to their size: <c>s(i, b) = ‖Q_b(w_i) − w_i‖² / ‖w_i‖²</c>. Unlike the error itself it does not
/// depend on the scale of a layer, which the next normalization may undo. A layer of zeros has no error.
/// </summary>
internal sealed class RelativeErrorMetric : IMetric
{
    public string Name => "relative-error";

    public string Description => "squared error of the weights, relative to their squares";

    public string Source => "the round-off error of MixQuant (arXiv 2309.17341), summed over layers instead of bounded";

    public double ExpectedPasses(MetricContext context) => 0;

    public MetricScores Measure(MetricContext context) => MetricScores.Of(Of(context));

    /// <summary>Shape: [candidates].</summary>
    internal static double[] Of(MetricContext context)
    {
        double[] squares = [.. context.Layers.Select(layer => context.Weights(layer).Sum(weight => (double)weight * weight))];
        return [.. WeightErrors.Of(context).Select((error, row) => error == 0 ? 0 : error / squares[context.LayerOf[row]])];
    }
}
