using static Clado.Onnx.NodeExtensions;

namespace Clado.Gradients;

/// <summary>
/// Seeds that a graph computes itself: the gradient of a loss, summed over the images, by the tensor it is a loss of
/// (docs/method.md has the losses). Others are records like these.
/// </summary>
internal static class LossSeeds
{
    /// <summary>
    /// Kullback-Leibler divergence from softmax(z₀), along an axis and averaged over all positions of an image beside it:
    /// (softmax(z) − softmax(z₀)) / positions. Of a map of classes that is the loss a pixel.
    /// </summary>
    /// <param name="Tensor">Name of z, the logits.</param>
    /// <param name="Target">Name of the input that gets z₀, in the shape of z.</param>
    /// <param name="Axis">The axis of classes.</param>
    internal sealed record KullbackLeibler(string Tensor, string Target, int Axis = -1) : Seed(Tensor)
    {
        internal override Value Write(SeedInputs inputs)
        {
            var info = inputs.Context.Info(Tensor);
            long positions = info.ElementCount / Math.Max(1, info.Shape[(Axis + info.Shape.Count) % info.Shape.Count]);
            var axis = Attribute("axis", Axis);
            var z = inputs.Context.Of(Tensor);
            return (z.With("Softmax", [axis]) - inputs.Like(Target, Tensor).With("Softmax", [axis])) * (1f / positions);
        }
    }

    /// <summary>Cross-entropy of labels: softmax(z) − onehot(label).</summary>
    /// <param name="Tensor">Name of z, the logits. Shape: [images, classes].</param>
    /// <param name="Labels">Name of the input that gets the labels, int64. Shape: [images]. Range: [0, classes).</param>
    internal sealed record CrossEntropy(string Tensor, string Labels) : Seed(Tensor)
    {
        internal override Value Write(SeedInputs inputs)
        {
            var nodes = inputs.Context.Nodes;
            var z = inputs.Context.Of(Tensor);
            long classes = inputs.Context.Info(Tensor).Shape[^1];
            var label = inputs.PerImage(Labels).With("OneHot", [], nodes.Integers(classes), nodes.Singles([0, 1], 2));
            return z.With("Softmax", [Attribute("axis", -1)]) - label;
        }
    }

    /// <summary>Weighted squared error Σ w (z − z₀)²: 2 w (z − z₀).</summary>
    /// <param name="Tensor">Name of z.</param>
    /// <param name="Target">Name of the input that gets z₀, in the shape of z.</param>
    /// <param name="Weights">w of every element of an image. Shape: [elements an image].</param>
    internal sealed record Squared(string Tensor, string Target, IReadOnlyList<float> Weights) : Seed(Tensor)
    {
        internal override Value Write(SeedInputs inputs)
        {
            var info = inputs.Context.Info(Tensor);
            var difference = inputs.Context.Of(Tensor) - inputs.Like(Target, Tensor);
            float[] doubled = [.. Weights.Select(weight => 2 * weight)];
            return doubled.Distinct().Count() == 1
                ? difference * doubled[0]
                : difference * inputs.Context.Nodes.Singles(doubled, [.. info.Shape]);
        }
    }
}
