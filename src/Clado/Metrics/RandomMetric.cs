namespace Clado.Metrics;

/// <summary>
/// Random choices of the size: from all layers at their narrowest width, layers drawn with equal chances get their next width as long as
/// that fits. Twenty of them, from seeds; the median and the quartiles of their losses are said. A metric that is not better than their
/// median knows nothing.
/// </summary>
internal sealed class RandomMetric : IMetric
{
    // Enough for quartiles.
    internal const int Draws = 20;

    public string Name => "random";

    public string Description => $"the median of {Draws} random choices of that size";

    public string Source => "a baseline";

    public double ExpectedPasses(MetricContext context) => 0;

    public MetricScores Measure(MetricContext context)
    {
        int[] steps = [.. context.LayerOf.CountBy(layer => layer).SelectMany(own => Enumerable.Repeat(own.Key, own.Value - 1))];
        return MetricScores.OfOrders([.. Enumerable.Range(0, Draws).Select(seed =>
        {
            int[] order = [.. steps];
            new Random(seed).Shuffle(order);
            return order;
        })]);
    }
}
