using Clado.Candidates;
using Clado.Execution;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;

namespace Clado.Metrics;

/// <summary>
/// ZeroQ: the divergence of the network's answers with one layer rounded, on images distilled from the statistics of its normalizations,
/// without a look at any other: <c>s(i, b) = mean KL(p ‖ p_ib)</c> (arXiv 2001.00281, eq. 2 for the images and eq. 3 for the sensitivity).
/// <para>
/// Deviations. The paper's Pareto front over sums of these is what the solver finds the best of. Where normalizations were folded when the
/// file was exported, there are no statistics: the images are noise then, with every pixel's value as likely as any. Statistics are
/// compared behind the normalization, where they are its bias and scale. 32 images, 100 steps instead of 500. The loss is the run's: kl of
/// scores of classes, another of other answers.
/// </para>
/// </summary>
internal sealed class ZeroQMetric : IMetric
{
    internal const int Images = 32;

    // Forward, and back to the image.
    private const double PassesAStep = 2;

    public string Name => "zeroq";

    public string Description => "divergence with one layer rounded, on images distilled from the network's own statistics";

    public string Source => "ZeroQ, arXiv 2001.00281, eq. 2 and 3";

    public double ExpectedPasses(MetricContext context) =>
        (context.Candidates.Count + (PassesAStep * DistilledImages.Steps)) * Images / context.Inputs.Work.Images.Items.Count;

    public MetricScores Measure(MetricContext context)
    {
        var batch = Distil(context);
        var losses = new LossFactory(context.Graph, context.Readout, context.Inputs.Work.Images, Loss(context), context.Inputs.Scales);
        using var reference = new ModelRunner(context.Graph, context.Readout, OutputSource.Float(context.Graph.File));
        float[] expected = reference.Run(batch);
        var loss = losses.Create(expected, expected, batch);
        var (scores, work) = (new double[context.Candidates.Count], context.Inputs.Work);
        var done = new WorkProgress(scores.Length, work.Progress);
        work.SideBySide.For(scores.Length, row =>
        {
            using var runner = new ModelRunner(
                FakeQuantizedGraph.Of(context.Graph, [context.Candidates[row]]), context.Readout,
                OutputSource.Quantized(context.Graph.File));
            float[] shift = runner.Run(batch);
            System.Numerics.Tensors.TensorPrimitives.Subtract(shift, expected, shift);
            scores[row] = loss.Increases(shift, context.Readout.ElementCount).Average();
            done.Add(1);
        });
        context.Count(1 + scores.Length, batch.Count);
        return MetricScores.Of(scores);
    }

    /// <summary>Labels say nothing of images that are none.</summary>
    private static string Loss(MetricContext context) => LossKind.Of(context.Readout, context.Options.Loss) is { NeedsLabels: false } kind
        ? kind.Name : LossKind.KullbackLeibler.Name;

    private static ImageBatch Distil(MetricContext context)
    {
        var noise = DistilledImages.Noise(context.Graph, context.Inputs.Work.Preprocessing, Images);
        var statistics = NormalizationStatistics.Of(context.Graph);
        if (statistics.Count == 0)
        {
            return noise;
        }
        using var distilled = new DistilledImages(context.Graph, statistics);
        context.Count(PassesAStep * DistilledImages.Steps, noise.Count);
        return distilled.Make(noise, DistilledImages.Steps, share =>
        {
            context.Cancellation.ThrowIfCancellationRequested();
            context.Report(share / 2);
        });
    }
}
