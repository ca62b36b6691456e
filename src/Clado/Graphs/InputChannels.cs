using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>The channels of an image input, as the first convolution reads them.</summary>
/// <param name="Axis">Where they lie in the input.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Rank">Rank of the input.</param>
/// <param name="Node">Name of the convolution.</param>
internal sealed record InputChannels(int Axis, long Count, int Rank, string Node)
{
    // What keeps every element in its channel, and the channels where they are.
    private static readonly HashSet<string> Passing =
    [
        "Add", "Sub", "Mul", "Div", "Cast", "Identity", "Clip", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Neg", "Abs", "Pow", "Sqrt",
        "BatchNormalization", "InstanceNormalization", "LpNormalization", "Dropout", "Pad", "Resize", "Upsample", "MaxPool", "AveragePool",
        "QuantizeLinear", "DequantizeLinear",
    ];

    /// <summary>Follows the image to the first convolution that reads it, in the order of the nodes; null where none does.</summary>
    /// <param name="model">Nodes in topological order.</param>
    /// <param name="image">Name of the image input.</param>
    public static InputChannels? Find(ModelProto model, string image)
    {
        var graph = model.Graph;
        // Tensors that hold the image: which of its dimensions each of theirs is; null where they have the image's own.
        var axes = new Dictionary<string, long[]?> { [image] = null };
        foreach (var node in graph.Node)
        {
            int slot = node.Operands().TakeWhile(name => !axes.ContainsKey(name)).Count();
            if (slot == node.Operands().Count)
            {
                continue;
            }
            var own = axes[node.Operand(slot)];
            if (node.OpType is "Conv" or "ConvInteger" or "QLinearConv" or "FusedConv" && slot == 0 && Weight(graph, node) is { } weight)
            {
                return new((int)(own?[1] ?? 1), weight[1] * node.Integer("group", 1), weight.Length, node.DisplayName());
            }
            if (node.Is("Transpose") && node.Integers("perm") is { } order)
            {
                axes[node.Output[0]] = [.. order.Select(axis => own?[axis] ?? axis)];
            }
            else if (Passes(model, node))
            {
                axes[node.Output[0]] = own;
            }
        }
        return null;
    }

    /// <summary>Whether a node, or every node of the function it calls, keeps elements and channels.</summary>
    private static bool Passes(ModelProto model, NodeProto node) => node.IsStandard()
        ? Passing.Contains(node.OpType)
        : model.Functions.FirstOrDefault(f => f.Domain == node.Domain && f.Name == node.OpType) is { } function
            && function.Node.All(inner => inner.Is("Constant") || (inner.IsStandard() && Passing.Contains(inner.OpType)));

    /// <summary>Shape of a convolution's weight: a constant, or what unpacks one; null where it is computed. Shape: [rank].</summary>
    private static long[]? Weight(GraphProto graph, NodeProto node)
    {
        var name = node.Operand(node.OpType == "QLinearConv" ? 3 : 1);
        var unpacking = graph.Node.FirstOrDefault(n => n.Output.Contains(name));
        string[] constants = [name, .. unpacking?.Operands() ?? []];
        long[]? Shape(string constant) => graph.Initializer.FirstOrDefault(t => t.Name == constant)?.Dims.ToArray();
        var unpacked = unpacking?.Domain == LocalFunctions.Domain ? unpacking.Attribute.Select(a => a.Ints.ToArray()) : [];
        return constants.Select(Shape).Concat(unpacked).FirstOrDefault(shape => shape is { Length: > 2 });
    }
}
