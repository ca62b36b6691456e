using Clado.Images;

namespace Clado.Metrics;

/// <summary>Gradients by all layers' weights, of every image alone.</summary>
internal static class ImageGradients
{
    /// <summary>What an image's gradient is expected to cost, in full passes: forward, back to outputs, back to weights.</summary>
    public const double PassesAnImage = 3;

    /// <summary>Runs every image, as many at once as there are threads, and gives what is made of their gradients in their order.</summary>
    /// <param name="context">The network and its images.</param>
    /// <param name="make">Makes numbers of an image's gradients. Shape: [layers][parameters] → [numbers].</param>
    /// <param name="add">Takes the numbers, image by image. Shape: [numbers].</param>
    public static void ForEach(MetricContext context, Func<ImageBatch, float[][], double[]> make, Action<double[]> add)
    {
        using var gradients = new WeightGradients(context, context.Layers, context.TrainingLoss);
        float[][] weights = gradients.Weights();
        var (work, batches) = (context.Inputs.Work, context.Inputs.Work.Batches(context.Graph, 1));
        foreach (int[] group in Enumerable.Range(0, batches.Count).Chunk(work.Threads))
        {
            var found = new double[group.Length][];
            work.SideBySide.For(group.Length, i =>
            {
                var image = batches.Load(group[i]);
                found[i] = make(image, gradients.Of(image, weights, context.HasLabels ? null : new Random(group[i])));
            });
            Array.ForEach(found, add);
            context.Report((group[^1] + 1.0) / batches.Count);
        }
    }
}
