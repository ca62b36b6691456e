namespace Clado.Metrics;

/// <summary>
/// Fewer bits for larger layers, and nothing else: <c>s(i, b) = 4⁻ᵇ</c>. All layers suffer alike, by a quarter for every bit more, as the
/// square of a uniform rounding error does; so a bit goes where it costs least. Nothing of weights or images is in it: what a metric gains
/// over this is what it knows.
/// </summary>
internal sealed class ParametersMetric : IMetric
{
    public string Name => "parameters";

    public string Description => "fewer bits for larger layers: nothing but sizes is looked at";

    public string Source => "a baseline: all layers alike, 4⁻ᵇ";

    public double ExpectedPasses(MetricContext context) => 0;

    public MetricScores Measure(MetricContext context) => MetricScores.Of([.. context.Candidates.Select(c => Math.Pow(4, -c.Bits))]);
}
