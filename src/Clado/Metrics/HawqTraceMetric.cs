namespace Clado.Metrics;

/// <summary>
/// HAWQ-V2 and V3: <c>s(i, b) = Tr(H_i) / n_i · ‖Q_b(w_i) − w_i‖²</c>, the mean eigenvalue of a layer's Hessian times what rounding changes
/// (arXiv 1911.03852, the Ω of its choice of bits; arXiv 2011.10680 minimises the same sum by an integer program).
/// <para>
/// Deviations. The Hessian is of cross-entropy where images have labels, as in the papers; else of the run's loss. It is probed forward, by
/// differences (<see cref="LossCurvature"/>), with 16 vectors of signs a layer on 64 images. A trace below 0 counts as 0: rounding is no
/// gain. Rounding and solver are Clado's.
/// </para>
/// </summary>
internal sealed class HawqTraceMetric : IMetric
{
    public string Name => "hawq-trace";

    public string Description => "mean eigenvalue of a layer's Hessian, times the squared error";

    public string Source => "HAWQ-V2, arXiv 1911.03852, and HAWQ-V3, arXiv 2011.10680: Tr(H)/n · ‖Q(w) − w‖²";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => HessianTrace.ExpectedPasses(context);

    public MetricScores Measure(MetricContext context)
    {
        double[] means = [.. HessianTrace.Of(context).Zip(context.Layers, (trace, layer) => Math.Max(0, trace) / layer.Parameters)];
        return MetricScores.Of([.. WeightErrors.Of(context).Select((error, row) => means[context.LayerOf[row]] * error)]);
    }
}
