using Clado.Gradients;
using Clado.Layers;

namespace Clado.Sensitivity;

/// <summary>Writes the products of a layer's gradients with its changes, each channel by itself.</summary>
/// <param name="layer">The layer.</param>
/// <param name="count">Its candidates.</param>
internal sealed class ChannelProducts(QuantizableLayer layer, int count)
{
    private readonly long channels = layer.ChannelCount, stride = layer.ChannelStride;

    /// <summary>Products of images' gradients by the weight: a product of matrices a channel.</summary>
    /// <param name="weights">Changes of the weight. Shape: [candidates, parameters].</param>
    /// <returns>From the gradient, Shape: [images, …weight], to products, Shape: [images, candidates, channels].</returns>
    public Func<Value, Value> OfWeights(Value weights)
    {
        long outer = layer.Parameters / (channels * stride), own = layer.Parameters / channels;
        var laid = weights.Reshape(count, outer, channels, stride).Transpose(2, 1, 3, 0).Reshape(channels, own, count);
        return gradient => gradient.Reshape(-1, outer, channels, stride).Transpose(2, 0, 1, 3).Reshape(channels, -1, own)
            .MatMul(laid).Transpose(1, 2, 0);
    }

    /// <summary>Products of images' gradients by the output with what the layer makes of the changes.</summary>
    /// <param name="changed">What changes of the output. Shape: [images, candidates, elements].</param>
    /// <param name="gradient">The gradient. Shape: [images, …output].</param>
    /// <param name="use">The node.</param>
    /// <returns>Shape: [images, candidates, channels].</returns>
    public Value OfOutputs(Value changed, Value gradient, LinearUse use)
    {
        // Channels of an image are the first axis, those of each group by themselves; of a product of matrices they are the last.
        bool isImage = use.Node.OpType is "Conv" or "ConvTranspose";
        long groups = use.Node.OpType == "ConvTranspose" ? layer.Groups : 1, places = use.Elements / (groups * channels);
        return (changed * gradient.Reshape(-1, 1, use.Elements))
            .Reshape(isImage ? [-1, count, groups, channels, places] : [-1, count, places, channels, 1]).SumAway(2, 4);
    }

    /// <summary>Adds those of the bias.</summary>
    /// <param name="products">Shape: [images, candidates, channels].</param>
    /// <param name="gradient">Images' gradients by the bias; null without one. Shape: [images, channels].</param>
    /// <param name="biases">Changes of the bias. Shape: [candidates, channels].</param>
    /// <returns>Shape: [images, candidates · channels].</returns>
    public Value Of(Value products, Value? gradient, Value? biases) =>
        (gradient is { } own && biases is { } shifts ? products + (own.Reshape(-1, 1, channels) * shifts) : products)
            .Reshape(-1, count * channels);
}
