namespace Clado.Metrics;

/// <summary>
/// The trace metric of the papers on speech models (arXiv 2112.11438, 2112.11540), as it applies to vision:
/// <c>s(i, b) = Tr(H_i) ‖Q_b(w_i) − w_i‖²</c>, the whole trace instead of its mean over the weights, so that large layers count more than
/// with HAWQ-V2.
/// <para>Deviations: those of <see cref="HawqTraceMetric"/>. The papers quantize language and acoustic models; ours see images.</para>
/// </summary>
internal sealed class SpeechTraceMetric : IMetric
{
    public string Name => "speech-trace";

    public string Description => "trace of a layer's Hessian, times the squared error";

    public string Source => "mixed precision for speech models, arXiv 2112.11438 and 2112.11540: Tr(H) ‖Q(w) − w‖²";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => HessianTrace.ExpectedPasses(context);

    public MetricScores Measure(MetricContext context)
    {
        double[] traces = HessianTrace.Of(context);
        return MetricScores.Of(
            [.. WeightErrors.Of(context).Select((error, row) => Math.Max(0, traces[context.LayerOf[row]]) * error)]);
    }
}
