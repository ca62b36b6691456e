namespace Clado.Metrics;

/// <summary>
/// FIT: <c>s(i, b) = Tr(I_i) / n_i · ‖Q_b(w_i) − w_i‖²</c> with the trace of a layer's empirical Fisher information, the mean over images
/// of <c>‖∇_i ℓ(x, y)‖²</c> (arXiv 2210.08502). One gradient an image and no probes: less noise than Hutchinson's trace of the Hessian.
/// <para>
/// Deviations. The paper models the error as noise of the variance Δ²/12 of a step Δ; ours is that of the candidates. Its activation part
/// is left out, since activations have the same bits in all choices. Where images have no labels, gradients go back from drawn vectors
/// whose mean outer product is the curvature of the run's loss: of classes, the Fisher information of the network's own distribution
/// instead of the empirical one.
/// </para>
/// </summary>
internal sealed class FitMetric : IMetric
{
    public string Name => "fit";

    public string Description => "trace of a layer's Fisher information, times the squared error";

    public string Source => "FIT, arXiv 2210.08502: Tr(I)/n · ‖Q(w) − w‖²";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context) => ImageGradients.PassesAnImage;

    public MetricScores Measure(MetricContext context)
    {
        double[] means = [.. Traces(context).Zip(context.Layers, (trace, layer) => trace / layer.Parameters)];
        return MetricScores.Of([.. WeightErrors.Of(context).Select((error, row) => means[context.LayerOf[row]] * error)]);
    }

    /// <summary>The traces. Shape: [layers].</summary>
    internal static double[] Traces(MetricContext context)
    {
        var sums = new double[context.Layers.Count];
        ImageGradients.ForEach(context, (_, gradients) =>
            [.. gradients.Select(own => own.Sum(value => (double)value * value))],
            squares =>
            {
                for (int layer = 0; layer < sums.Length; layer++)
                {
                    sums[layer] += squares[layer] / context.Inputs.Work.Images.Items.Count;
                }
            });
        return sums;
    }
}
