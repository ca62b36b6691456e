using Clado.Images;
using Clado.Layers;

namespace Clado.Metrics;

/// <summary>
/// The block of the Hessian of the mean loss by one layer's weights, by its products with vectors:
/// <c>H v ≈ Jᵀ (∂ℓ/∂z(w + h v) − ∂ℓ/∂z(w)) / h</c>, with J the derivative of the outputs z.
/// <para>
/// What is left out is <c>Σ ∂ℓ/∂z_c ∂²z_c/∂w²</c>. Where activations are piecewise linear, outputs are so in the weights of one layer, and
/// the second derivative that automatic differentiation gives has no such term either. Differences of gradients by the weights would not
/// leave it out: they see the kinks, and these drown the rest (docs/comparison.md, "Traces").
/// </para>
/// </summary>
internal sealed class LossCurvature : IDisposable
{
    /// <summary>
    /// The step relative to the root mean square of the weights: far above single precision, and about what rounding to 8 bits changes.
    /// </summary>
    public const double Step = 0.01;

    private readonly MetricContext context;
    private readonly WeightGradients gradients;
    private readonly IReadOnlyList<ImageBatch> images;
    private readonly float[][] weights;
    private readonly float[][] outputs, slopes;
    private readonly double size;

    /// <summary>Makes it ready.</summary>
    /// <param name="context">The network.</param>
    /// <param name="layer">The layer whose weights move.</param>
    /// <param name="images">The images, one a batch. Shape: [images].</param>
    public LossCurvature(MetricContext context, QuantizableLayer layer, IReadOnlyList<ImageBatch> images)
    {
        (this.context, this.images) = (context, images);
        gradients = new WeightGradients(context, [layer], context.TrainingLoss);
        weights = gradients.Weights();
        double squares = weights[0].Average(weight => (double)weight * weight);
        size = squares > 0 ? Math.Sqrt(squares) : 1;
        outputs = Each(image => gradients.Outputs(images[image], weights));
        slopes = Each(image => gradients.Slope(images[image], outputs[image], outputs[image]));
    }

    /// <summary>Weights of the layer.</summary>
    public int Parameters => weights[0].Length;

    /// <summary>vᵀ H v: forward passes alone.</summary>
    /// <param name="vector">v, of a mean square near 1. Shape: [parameters].</param>
    public double Along(double[] vector)
    {
        double step = Step * size;
        float[][] moved = Moved(vector, step);
        return Each(image =>
        {
            float[] there = gradients.Outputs(images[image], moved);
            float[] slope = gradients.Slope(images[image], outputs[image], there);
            double sum = 0;
            for (int i = 0; i < there.Length; i++)
            {
                sum += ((double)there[i] - outputs[image][i]) * ((double)slope[i] - slopes[image][i]);
            }
            return sum;
        }).Sum() / (step * step * images.Count);
    }

    /// <summary>H v.</summary>
    /// <param name="vector">v, of a mean square near 1. Shape: [parameters].</param>
    /// <returns>Shape: [parameters].</returns>
    public double[] Times(double[] vector)
    {
        double step = Step * size;
        float[][] moved = Moved(vector, step);
        var product = new double[vector.Length];
        foreach (float[] own in Each(image =>
        {
            float[] slope = gradients.Slope(images[image], outputs[image], gradients.Outputs(images[image], moved));
            float[] change = [.. slope.Zip(slopes[image], (there, here) => (float)((there - here) / step))];
            return gradients.Back(images[image], weights, _ => change)[0];
        }))
        {
            for (int i = 0; i < product.Length; i++)
            {
                product[i] += own[i] / (double)images.Count;
            }
        }
        return product;
    }

    public void Dispose() => gradients.Dispose();

    private float[][] Moved(double[] vector, double step) =>
        [[.. weights[0].Zip(vector, (weight, value) => (float)(weight + (step * value)))]];

    /// <summary>What is made of every image, as many at once as there are threads, in their order.</summary>
    private T[] Each<T>(Func<int, T> make)
    {
        var found = new T[images.Count];
        context.Inputs.Work.SideBySide.For(found.Length, image => found[image] = make(image));
        return found;
    }
}
