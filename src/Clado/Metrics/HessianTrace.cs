namespace Clado.Metrics;

/// <summary>
/// The trace of each layer's block of the Hessian, after Hutchinson: <c>Tr(H_ii) = E[rᵀ H_ii r]</c> with random signs r.
/// </summary>
internal static class HessianTrace
{
    /// <summary>Vectors of signs a layer.</summary>
    private const int Probes = 16;

    /// <summary>Images that the Hessian is of.</summary>
    public const int Images = 64;

    /// <summary>What the traces cost, in full passes over the run's images.</summary>
    public static double ExpectedPasses(MetricContext context)
    {
        int all = context.Inputs.Work.Images.Items.Count;
        double suffixes = Enumerable.Range(0, context.Layers.Count).Sum(context.SuffixShare);
        return (1 + (Probes * suffixes)) * Math.Min(Images, all) / all;
    }

    /// <summary>The traces.</summary>
    /// <param name="context">The network.</param>
    /// <returns>Shape: [layers].</returns>
    public static double[] Of(MetricContext context) => context.Shared("traces", context.Layers.Count, () =>
    {
        using var curvature = new LossCurvature(context, context.Images(Images));
        return [.. Enumerable.Range(0, context.Layers.Count).Select(layer => Measure(context, curvature, layer, Probes))];
    });

    /// <summary>The trace of one layer.</summary>
    /// <param name="context">The network.</param>
    /// <param name="curvature">Its Hessian.</param>
    /// <param name="layer">Position of the layer.</param>
    /// <param name="probes">Vectors of signs. Range: [1, inf).</param>
    internal static double Measure(MetricContext context, LossCurvature curvature, int layer, int probes)
    {
        using var block = curvature.Block(layer);
        var random = new Random(layer);
        double sum = 0;
        for (int probe = 0; probe < probes; probe++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var signs = new double[block.Parameters];
            for (int i = 0; i < signs.Length; i++)
            {
                signs[i] = random.Next(2) == 0 ? 1 : -1;
            }
            sum += block.Along(signs) / probes;
            context.Report((layer + ((probe + 1.0) / probes)) / context.Layers.Count);
        }
        return sum;
    }
}
