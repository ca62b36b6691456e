using Clado.Gradients;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// Writes the scalar products of a layer's gradients with its changes, image by image: of an image's gradient by the weight, or, where that
/// is cheaper, of its gradient by the layer's output with what the layer makes of the changes. Where rows are measured too, products are
/// also summed over each output channel alone.
/// </summary>
internal sealed class LayerProducts
{
    private readonly LayerChanges changes;
    private readonly LinearUse[] uses;
    private readonly bool byWeight;

    /// <summary>Chooses how.</summary>
    /// <param name="changes">The layer, and what changes of it.</param>
    /// <param name="uses">The nodes that use its weight.</param>
    /// <param name="passes">Passes back.</param>
    public LayerProducts(LayerChanges changes, IEnumerable<LinearUse> uses, int passes)
    {
        (this.changes, this.uses) = (changes, [.. uses]);
        byWeight = this.uses.All(use => use.HasWeightGradient) && passes * (Layer.Macs + ((double)Count * Layer.Parameters))
            <= Count * (Layer.Macs + ((double)passes * this.uses.Sum(use => use.Elements)));
    }

    /// <summary>MACs an image of the products of one layer, whichever way they are made.</summary>
    /// <param name="candidates">Its candidates.</param>
    /// <param name="passes">Passes back.</param>
    /// <param name="macs">MACs of the layer.</param>
    public static double Macs(int candidates, int passes, long macs) => Math.Min(candidates, passes) * (double)macs;

    /// <summary>The layer.</summary>
    public Layers.QuantizableLayer Layer => changes.Layer;

    /// <summary>Names of the tensors that gradients are wanted by.</summary>
    public IEnumerable<string> Tensors => (byWeight ? [Layer.Weight] : uses.Select(use => use.Output)).Concat(PerImage).Distinct();

    /// <summary>Names of what its nodes take besides its constants.</summary>
    public IEnumerable<string> Inputs =>
        uses.SelectMany(use => use.Node.Operands()).Where(name => name != Layer.Weight && name != Layer.Bias);

    /// <summary>Names of the constants among them, whose gradients are wanted image by image.</summary>
    public IEnumerable<string> PerImage => (string[])[
        .. byWeight ? [Layer.Weight] : Array.Empty<string>(), .. changes.Biases is null ? Array.Empty<string>() : [Layer.Bias!]];

    /// <summary>Rows of the candidates.</summary>
    public int[] Rows => changes.Rows;

    /// <summary>Rows of the candidates whose channels are measured too.</summary>
    public int[] ChannelRows => changes.HasChannels ? changes.Rows : [];

    private int Count => changes.Rows.Length;

    private ChannelProducts? Channels => changes.HasChannels ? new(Layer, Count) : null;

    /// <summary>Writes what of the products serves all passes.</summary>
    /// <param name="nodes">Where nodes are written.</param>
    /// <param name="inputs">Adds an input.</param>
    /// <returns>
    /// The products of a pass, Shape: [images, candidates]; and where rows are measured, Shape: [images, candidates · channels].
    /// </returns>
    public Func<GradientGraph, int, (Value Whole, Value? Channels)> Write(NodeWriter nodes, LinearizedInputs inputs)
    {
        var weights = inputs.Add(changes.Weights, byWeight ? [Count, Layer.Parameters] : [Count * Layer.Shape[0], .. Layer.Shape.Skip(1)]);
        var biases = changes.Biases is null ? (Value?)null : inputs.Add(changes.Biases, [Count, Layer.ChannelCount]);
        Value[] changed = byWeight ? [] : [.. uses.Select(use => Changed(use, weights))];
        var byChannel = byWeight ? Channels?.OfWeights(weights) : null;
        return (gradient, pass) =>
        {
            Value Of(string tensor) => new(nodes, gradient.Gradient(tensor, pass));
            var sum = byWeight
                ? Product(Of(Layer.Weight), Layer.Parameters, weights)
                : changed.Zip(uses, (own, use) => own.MatMul(Of(use.Output).Reshape(-1, use.Elements, 1)).Squeeze(2))
                    .Aggregate((total, next) => total + next);
            var whole = biases is { } shifts ? sum + Product(Of(Layer.Bias!), Layer.ChannelCount, shifts) : sum;
            return (whole, Channels?.Of(byWeight
                ? byChannel!(Of(Layer.Weight))
                : changed.Zip(uses, (own, use) => Channels.OfOutputs(own, Of(use.Output), use)).Aggregate((total, next) => total + next),
                biases is null ? null : Of(Layer.Bias!), biases));
        };
    }

    /// <summary>Products of an image's gradients by a constant with its changes. Shape: [images, candidates].</summary>
    private static Value Product(Value gradients, long elements, Value changes) =>
        gradients.Reshape(-1, elements).With("Gemm", [NodeExtensions.Attribute("transB", 1)], changes);

    /// <summary>What changes of the outputs. Shape: [images, candidates, elements].</summary>
    private Value Changed(LinearUse use, Value weights)
    {
        Value Apply(Value weight) => weight.Nodes.Add(use.Node.OpType, use.Replaced(weight.Name), [.. use.Node.Attribute]);
        if (use.IsStackable || Count == 1)
        {
            return Apply(weights).Reshape(-1, Count, use.Elements);
        }
        long own = Layer.Shape[0];
        Value[] each = [.. Enumerable.Range(0, Count).Select(i =>
            Apply(weights.Slice([i * own], [(i + 1) * own], [0], [1])).Reshape(-1, 1, use.Elements))];
        return each[0].With("Concat", [NodeExtensions.Attribute("axis", 1)], each.AsSpan(1));
    }
}
