using Clado.Metrics;

namespace Clado.Tests.Comparisons;

/// <summary>What a layer at a width adds to the loss where all others are as wide as they can be.</summary>
public sealed class LastStraw : IMetric
{
    public string Name => "last-straw";

    public string Description => "loss with one layer narrow and all others at their widest";

    public string Source => "ours";

    public MetricNeeds Needs => MetricNeeds.Images;

    public MetricScores Measure(MetricContext context)
    {
        var widest = context.Candidates.GroupBy(candidate => candidate.Layer).Select(own => own.Last()).ToArray();
        var choices = context.Candidates.Select(narrow =>
            widest.Select(wide => wide.Layer == narrow.Layer ? narrow : wide).ToArray()).ToArray();
        return MetricScores.Of(context.LossIncreases(choices));
    }
}
