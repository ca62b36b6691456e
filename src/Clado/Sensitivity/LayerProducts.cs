using Clado.Gradients;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>Writes the scalar products of a layer's gradients with its changes, image by image.</summary>
/// <param name="nodes">Where nodes are written.</param>
/// <param name="gradient">The gradients.</param>
/// <param name="passes">Passes back.</param>
/// <param name="uses">The layer's uses.</param>
internal sealed class LayerProducts(NodeWriter nodes, GradientGraph gradient, int passes, IEnumerable<LinearUse> uses)
{
    /// <summary>The products, of all uses together. Shape: [images, candidates, passes].</summary>
    public Value Sum()
    {
        var all = uses.ToArray();
        var sum = all.Select(Product).Aggregate((total, next) => total + next);
        return all[0].BiasElsewhere is { } bias ? sum + BiasProduct(bias, all[0].Changes.Biases!) : sum;
    }

    private Value Product(LinearUse use)
    {
        var gradients = Joined([.. Enumerable.Range(0, passes).Select(pass => Rows(Gradient(use.Output, pass), 1, use))], 1);
        return Changed(use).MatMul(gradients.Transpose(0, 2, 1));
    }

    /// <summary>What changes of the outputs. Shape: [images, candidates, elements].</summary>
    private Value Changed(LinearUse use)
    {
        var (layer, weights, biases) = (use.Changes.Layer, use.Changes.Weights, use.HasBias ? use.Changes.Biases : null);
        if (use.IsStackable)
        {
            var stacked = Apply(
                use, Constant([.. weights.SelectMany(w => w)], [layer.Shape[0] * weights.Length, .. layer.Shape.Skip(1)]),
                biases is null ? null : Constant([.. biases.SelectMany(b => b)], [(long)layer.ChannelCount * biases.Length]));
            return Rows(stacked, weights.Length, use);
        }
        return Joined([.. weights.Select((weight, i) => Rows(
            Apply(use, Constant(weight, [.. layer.Shape]), biases is null ? null : Constant(biases[i], [biases[i].Length])), 1, use))], 1);
    }

    private Value Apply(LinearUse use, string weight, string? bias) =>
        nodes.Add(use.Node.OpType, use.Replaced(weight, bias), [.. use.Node.Attribute]);

    private string Constant(float[] values, long[] dims) => nodes.Singles(values, dims).Name;

    /// <summary>Products with a bias that another node adds: an image's gradient by it is its own.</summary>
    private Value BiasProduct(string bias, float[][] changes)
    {
        var columns = nodes.Singles([.. changes.SelectMany(change => change)], changes.Length, changes[0].Length).Transpose(1, 0);
        return Joined([.. Enumerable.Range(0, passes).Select(pass =>
            Gradient(bias, pass).With("Flatten", [NodeExtensions.Attribute("axis", 1)]).MatMul(columns).Unsqueeze(2))], 2);
    }

    private Value Gradient(string tensor, int pass) => new(nodes, gradient.Gradient(tensor, pass));

    private static Value Rows(Value value, int count, LinearUse use) => value.Reshape(-1, count, use.Elements);

    private Value Joined(Value[] values, long axis) => values.Length == 1
        ? values[0] : nodes.Add("Concat", [.. values.Select(value => value.Name)], NodeExtensions.Attribute("axis", axis));
}
