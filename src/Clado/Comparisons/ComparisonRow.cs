using Clado.Evaluation;

namespace Clado.Comparisons;

/// <summary>What a metric chose for a budget, and what that loses. As JSON, properties that are null are left out.</summary>
public sealed record ComparisonRow
{
    /// <summary>Name of the metric.</summary>
    public required string Metric { get; init; }

    /// <summary>The budget as it was given.</summary>
    public required string Budget { get; init; }

    /// <summary>Bytes of the file. Range: [1, inf).</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Mean bits of the quantized weights. Range: [2, 8].</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Mean loss increase over the float network on the evaluation images; of several choices the median one's.</summary>
    public required double Loss { get; init; }

    /// <summary>Standard error of the loss over the images. Range: [0, inf).</summary>
    public required double LossStandardError { get; init; }

    /// <summary>Lower quartile of the losses of several choices; null of one.</summary>
    public double? LossLow { get; init; }

    /// <summary>Upper quartile of the losses of several choices; null of one.</summary>
    public double? LossHigh { get; init; }

    /// <summary>What is lost more than by the best metric at this budget. Range: [0, inf).</summary>
    public required double Regret { get; init; }

    /// <summary>Standard error of the regret, from the differences on every image. Range: [0, inf).</summary>
    public required double RegretStandardError { get; init; }

    /// <summary>Whether the regret is at most two standard errors: chance may make as much.</summary>
    public required bool WithinNoise { get; init; }

    /// <summary>Share of the images whose label has the highest score; null without labels. Range: [0, 1].</summary>
    public double? Top1 { get; init; }

    /// <summary>Share of the images on which network and float network give the same class; null of no classifier. Range: [0, 1].</summary>
    public double? Agreement { get; init; }

    /// <summary>Where the network is no classifier, the measure of what it is for; else null.</summary>
    public MeasureKind? Measure { get; init; }

    /// <summary>The value of <see cref="Measure"/>; null where that is not defined.</summary>
    public double? MeasureValue { get; init; }

    /// <summary>
    /// By which share the metric's own score of the choice may lie above the least possible one; 0 is proven least. null where nothing was
    /// minimised, or the choice was searched for on the network. Range: [0, inf).
    /// </summary>
    public double? Gap { get; init; }

    /// <summary>Full passes over the run's images that the metric took. Range: [0, inf).</summary>
    public required double Passes { get; init; }

    /// <summary>Seconds that took. Range: [0, inf).</summary>
    public required double Seconds { get; init; }

    /// <summary>Layers whose width is another than the best metric's at this budget. Range: [0, layers].</summary>
    public required int LayersDiffering { get; init; }

    /// <summary>Bits of the layers, in the order of execution. Shape: [layers].</summary>
    public required IReadOnlyList<int> Allocation { get; init; }
}
