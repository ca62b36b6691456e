namespace Clado.Metrics;

/// <summary>
/// The squared error of the weights: <c>s(i, b) = ‖Q_b(w_i) − w_i‖²</c>. It is what rounding minimises where nothing is known of a network,
/// and what every metric below weighs.
/// </summary>
internal sealed class WeightErrorMetric : IMetric
{
    public string Name => "weight-error";

    public string Description => "squared error of the weights";

    public string Source => "the usual baseline: ‖Q(w) − w‖²";

    public double ExpectedPasses(MetricContext context) => 0;

    public MetricScores Measure(MetricContext context) => MetricScores.Of([.. WeightErrors.Of(context)]);
}

/// <summary>What candidates change of their weights.</summary>
internal static class WeightErrors
{
    /// <summary>Squared errors of all candidates, ‖Δ‖². Shape: [candidates].</summary>
    public static IEnumerable<double> Of(MetricContext context) => context.Candidates.Select(candidate => candidate.SquaredError);

    /// <summary>The changes of a layer's candidates, Q(w) − w.</summary>
    /// <param name="context">The network.</param>
    /// <param name="layer">Position of the layer.</param>
    /// <returns>Rows of the candidates, and their changes. Shape: [candidates of the layer][parameters].</returns>
    public static IReadOnlyList<(int Row, float[] Change)> OfLayer(MetricContext context, int layer)
    {
        float[] weights = context.Weights(context.Layers[layer]);
        return
        [
            .. context.Candidates.Index().Where(own => context.LayerOf[own.Index] == layer).Select(own =>
            {
                float[] change = own.Item.Dequantize();
                System.Numerics.Tensors.TensorPrimitives.Subtract(change, weights, change);
                return (own.Index, change);
            }),
        ];
    }
}
