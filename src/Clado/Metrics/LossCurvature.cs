using System.Numerics.Tensors;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Sensitivity;

namespace Clado.Metrics;

/// <summary>
/// Blocks of the Hessian of the mean loss by the weights of one layer each, by their products with vectors:
/// <c>H v ≈ Jᵀ (∂ℓ/∂z(w + h v) − ∂ℓ/∂z(w)) / h</c>, with J the derivative of the outputs z.
/// <para>
/// What is left out is <c>Σ ∂ℓ/∂z_c ∂²z_c/∂w²</c>. Where activations are piecewise linear, outputs are so in the weights of one layer, and
/// the second derivative that automatic differentiation gives has no such term either. Differences of gradients by the weights would not
/// leave it out: they see the kinks, and these drown the rest (docs/comparison.md, "Traces").
/// </para>
/// <para>
/// The float network runs once an image, for all layers; when weights of a layer move, what depends on them runs again. What a pass leaves
/// is kept as far as a quarter of the memory allows, and else made again.
/// </para>
/// </summary>
internal sealed class LossCurvature : IDisposable
{
    // Part of the memory that what passes leave may take, and sessions.
    private const int MemoryShare = 4;

    private readonly MetricContext context;
    private readonly IReadOnlyList<ImageBatch> images;
    private readonly PerturbedNetwork network;
    private readonly LossFactory losses;
    private readonly NetworkState?[] kept;
    private readonly float[][] outputs, slopes;

    /// <summary>Runs the float network.</summary>
    /// <param name="context">The network.</param>
    /// <param name="images">The images, one a batch. Shape: [images].</param>
    public LossCurvature(MetricContext context, IReadOnlyList<ImageBatch> images)
    {
        (this.context, this.images, kept) = (context, images, new NetworkState?[images.Count]);
        losses = new LossFactory(
            context.Graph, context.Readout, context.Inputs.Work.Images, context.TrainingLoss, context.Inputs.Scales);
        network = new PerturbedNetwork(
            context.Graph, context.Cuts, OutputSource.Float(context.Graph.File), new MemoryPlan(Share(context), IsTight: false));
        outputs = Each(image =>
        {
            var state = Run(image);
            float[] own = network.Outputs(state);
            if (Fits(sizeof(float) * context.Cuts.TapElementCount))
            {
                kept[image] = state;
            }
            else
            {
                state.Dispose();
            }
            return own;
        });
        slopes = Each(image => Slope(image, outputs[image]));
    }

    /// <summary>The images, one a batch. Shape: [images].</summary>
    public IReadOnlyList<ImageBatch> Images => images;

    /// <summary>The block of a layer.</summary>
    /// <param name="layer">Position of the layer.</param>
    public LayerCurvature Block(int layer) => new(context, this, layer);

    /// <summary>Whether what a pass of every image leaves may be kept.</summary>
    /// <param name="bytesAnImage">Bytes of one.</param>
    public bool Fits(long bytesAnImage) => bytesAnImage * images.Count <= Share(context);

    /// <summary>Replaces the weights of a layer, and runs what depends on them.</summary>
    /// <param name="layer">Position of the layer.</param>
    /// <param name="values">The weights.</param>
    /// <param name="make">
    /// Makes something of an image's position, of what its outputs change, and of what the loss's gradient by them does. Shape of both
    /// changes: [outputs].
    /// </param>
    /// <returns>What is made. Shape: [images].</returns>
    public T[] Moved<T>(int layer, LayerValues values, Func<int, float[], float[], T> make) => Each(image =>
    {
        var state = kept[image] ?? Run(image);
        float[] there;
        using (var after = network.Perturb(state, layer, values, tapped: false))
        {
            there = network.Outputs(after);
        }
        context.Count(context.SuffixShare(layer), 1);
        if (kept[image] is null)
        {
            state.Dispose();
        }
        float[] slope = Slope(image, there);
        TensorPrimitives.Subtract(slope, slopes[image], slope);
        TensorPrimitives.Subtract(there, outputs[image], there);
        return make(image, there, slope);
    });

    public void Dispose()
    {
        Array.ForEach(kept, state => state?.Dispose());
        network.Dispose();
    }

    private static long Share(MetricContext context) => context.Inputs.Work.MemoryBytes / MemoryShare;

    private NetworkState Run(int image)
    {
        context.Count(1, 1);
        return network.Run(images[image]);
    }

    private float[] Slope(int image, float[] there)
    {
        var slope = new float[there.Length];
        losses.Create(outputs[image], there, images[image]).Slope(0, slope);
        return slope;
    }

    /// <summary>What is made of every image, as many at once as there are threads, in their order.</summary>
    private T[] Each<T>(Func<int, T> make)
    {
        var found = new T[images.Count];
        context.Inputs.Work.SideBySide.For(found.Length, image => found[image] = make(image));
        return found;
    }
}
