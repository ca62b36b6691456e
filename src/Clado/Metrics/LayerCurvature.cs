using Clado.Onnx;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Metrics;

/// <summary>The block of the Hessian by one layer's weights, see <see cref="LossCurvature"/>.</summary>
internal sealed class LayerCurvature : IDisposable
{
    /// <summary>
    /// The step relative to the root mean square of the weights: far above single precision, and about what rounding to 8 bits changes.
    /// </summary>
    public const double Step = 0.01;

    // What errors call weights that are moved: of the width of floats.
    private const int FloatBits = 32;

    private readonly MetricContext context;
    private readonly LossCurvature curvature;
    private readonly int layer;
    private readonly float[] weights;
    private readonly float[]? bias;
    private readonly double step;
    private readonly Lazy<WeightGradients> gradients;
    private readonly ForwardPass?[] kept;

    /// <summary>Reads the weights.</summary>
    /// <param name="context">The network.</param>
    /// <param name="curvature">What runs it.</param>
    /// <param name="layer">Position of the layer.</param>
    public LayerCurvature(MetricContext context, LossCurvature curvature, int layer)
    {
        (this.context, this.curvature, this.layer, kept) = (context, curvature, layer, new ForwardPass?[curvature.Images.Count]);
        var own = context.Layers[layer];
        weights = context.Weights(own);
        bias = own.Bias is { } name ? TensorData.ReadSingles(context.Graph.File, context.Graph.Initializers[name]) : null;
        double squares = weights.Average(weight => (double)weight * weight);
        step = Step * (squares > 0 ? Math.Sqrt(squares) : 1);
        gradients = new(() => new WeightGradients(context, [own], context.TrainingLoss));
    }

    /// <summary>Weights of the layer.</summary>
    public int Parameters => weights.Length;

    /// <summary>vᵀ H v: passes forward alone.</summary>
    /// <param name="vector">v, of a mean square near 1. Shape: [parameters].</param>
    public double Along(double[] vector) => Moved(vector, (_, shift, change) =>
    {
        double sum = 0;
        for (int i = 0; i < shift.Length; i++)
        {
            sum += (double)shift[i] * change[i];
        }
        return sum;
    }).Sum() / (step * step * curvature.Images.Count);

    /// <summary>H v.</summary>
    /// <param name="vector">v, of a mean square near 1. Shape: [parameters].</param>
    /// <returns>Shape: [parameters].</returns>
    public double[] Times(double[] vector)
    {
        var product = new double[vector.Length];
        foreach (float[] own in Moved(vector, (image, _, change) => Back(image, change)))
        {
            for (int i = 0; i < product.Length; i++)
            {
                product[i] += own[i] / (step * curvature.Images.Count);
            }
        }
        return product;
    }

    public void Dispose()
    {
        Array.ForEach(kept, pass => pass?.Dispose());
        if (gradients.IsValueCreated)
        {
            gradients.Value.Dispose();
        }
    }

    private T[] Moved<T>(double[] vector, Func<int, float[], float[], T> make)
    {
        float[] moved = [.. weights.Zip(vector, (weight, value) => (float)(weight + (step * value)))];
        using var values = new LayerValues(
            FloatBits, OrtValue.CreateTensorValueFromMemory(moved, [.. context.Layers[layer].Shape]),
            bias is null ? null : OrtValue.CreateTensorValueFromMemory(bias, [bias.Length]));
        return curvature.Moved(layer, values, make);
    }

    private float[] Back(int image, float[] change)
    {
        var pass = kept[image] ?? gradients.Value.Forward(curvature.Images[image], [weights]);
        float[] found = gradients.Value.Back(pass, change)[0];
        if (curvature.Fits(gradients.Value.BytesAnImage))
        {
            kept[image] = pass;
        }
        else
        {
            pass.Dispose();
        }
        return found;
    }
}
