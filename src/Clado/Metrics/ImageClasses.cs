using System.Numerics.Tensors;
using Clado.Images;
using Clado.Inference;

namespace Clado.Metrics;

/// <summary>Classes of images: their labels, or what the float network takes them for.</summary>
internal static class ImageClasses
{
    /// <summary>The classes.</summary>
    /// <param name="context">The network.</param>
    /// <param name="images">The images, one a batch. Shape: [images].</param>
    /// <returns>Shape: [images].</returns>
    /// <exception cref="CladoException">They have no labels, and the network gives no class.</exception>
    public static int[] Of(MetricContext context, IReadOnlyList<ImageBatch> images)
    {
        if (images[0].Labels is not null)
        {
            return [.. images.Select(image => image.Labels![0])];
        }
        if (!context.Readout.IsClassifier)
        {
            throw new CladoException(
                $"{Path.GetFileName(context.Graph.File)}: classes are wanted, and neither images nor network give any");
        }
        using var runner = new ModelRunner(context.Graph, context.Readout, OutputSource.Float(context.Graph.File));
        context.Count(1, images.Count);
        return [.. images.Select(image => TensorPrimitives.IndexOfMax(context.Readout.Scores(runner.Run(image))))];
    }
}
