using Clado.Sensitivity;

namespace Clado.Metrics;

/// <summary>
/// All metrics by name, Clado's own estimators among them (those stand in <see cref="Estimators"/>, and nowhere else): whoever lists,
/// checks or uses one looks here.
/// </summary>
internal static class MetricRegistry
{
    /// <summary>Every metric: Clado's own, those of papers, and baselines.</summary>
    public static IReadOnlyList<IMetric> All { get; } =
    [
        .. Estimators.All.Select(entry => new EstimatorMetric(entry)),
        new FitMetric(), new HawqTraceMetric(), new HawqEigenvalueMetric(), new MpqcoMetric(), new BrecqMetric(),
        new ZeroQMetric(), new OmpqMetric(), new CsmpqMetric(), new DivergenceMetric(), new SpeechTraceMetric(),
        new LimpqMetric(), new BsqMetric(), new DropBitsMetric(),
        new MixQuantMetric(), new RelativeErrorMetric(), new WeightErrorMetric(), new ParametersMetric(), new RandomMetric(),
    ];

    /// <summary>Whether a name is that of a metric here.</summary>
    public static bool Has(string name) => All.Any(metric => metric.Name == name);
}
