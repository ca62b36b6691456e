namespace Clado.Metrics;

/// <summary>
/// MixQuant (arXiv 2309.17341): a layer gets the narrowest width whose round-off error is at most a multiple of its error at 8 bits; the
/// multiple is the user's.
/// <para>
/// Deviations. The paper asks for the multiple, we for a size: the multiple is lowered from where all layers have their narrowest width,
/// and each layer gets its next width when its own error is no longer allowed, as long as the budget lasts. A step that does not fit is
/// left out, and smaller layers go on. Where 8 bits are not searched, the widest width takes their place. The error is the mean squared
/// one.
/// </para>
/// </summary>
internal sealed class MixQuantMetric : IMetric
{
    public string Name => "mixquant";

    public string Description => "widths raised in the order of their error over that at 8 bits";

    public string Source => "MixQuant, arXiv 2309.17341: the bit-width search by round-off error";

    public double ExpectedPasses(MetricContext context) => 0;

    public MetricScores Measure(MetricContext context)
    {
        double[] errors = [.. WeightErrors.Of(context)];
        // A step leaves a width behind: the multiple at which that is no longer allowed.
        var steps = new List<(double Multiple, int Layer, int Width)>();
        foreach (var rows in Enumerable.Range(0, errors.Length).GroupBy(row => context.LayerOf[row]))
        {
            int[] own = [.. rows];
            double least = Math.Max(errors[own[^1]], double.Epsilon);
            steps.AddRange(own.SkipLast(1).Select((row, width) => (errors[row] / least, rows.Key, width)));
        }
        // A wider width whose error is not less has its turn with the one before it.
        var ordered = steps.OrderByDescending(step => step.Multiple).ThenBy(step => step.Width).ThenBy(step => step.Layer);
        return MetricScores.OfOrders([[.. ordered.Select(step => step.Layer)]]);
    }
}
