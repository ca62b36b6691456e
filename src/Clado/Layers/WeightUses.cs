using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>Finds the constants that a node multiplies by.</summary>
internal static class WeightUses
{
    /// <summary>The uses of a convolution, a product or a recurrent layer; where there are none, why.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="index">Index of the node.</param>
    public static (IReadOnlyList<ConstantUse> Uses, string? Reason) Of(Graph graph, int index)
    {
        var node = graph.Nodes[index];
        int[] slots = [.. Slots(node).Where(slot => graph.Initializers.ContainsKey(node.Operand(slot)))];
        if (slots.Length == 0)
        {
            return ([], node.Is("MatMul") ? "no constant factor (both are activations)" : "the weight is computed, not constant");
        }
        // A product has one weight: that on the right, where both factors are constant.
        int count = WeightUse.IsRecurrent(node) ? 2 : 1;
        var looked = slots.Take(count).Select(slot => (Slot: slot, Reason: WhyKept(graph, node, slot))).ToArray();
        ConstantUse[] uses = [.. looked.Where(l => l.Reason is null).Select(l => Use(graph, index, l.Slot))];
        return (uses, uses.Length > 0 ? null : looked[0].Reason);
    }

    private static int[] Slots(NodeProto node) => WeightUse.IsRecurrent(node) ? [1, 2] : node.Is("MatMul") ? [1, 0] : [1];

    private static string? WhyKept(Graph graph, NodeProto node, int slot)
    {
        var weight = graph.Initializers[node.Operand(slot)];
        bool isBatch = weight.Dims.Count > 2 && (WeightUse.IsRecurrent(node) || node.Is("MatMul"));
        return (DataType)weight.DataType != DataType.Float ? $"the weight is {(DataType)weight.DataType}, not float"
            : weight.Dims.Count < 2 || weight.Dims.Any(d => d == 0) ? $"the weight has shape {ShapeText.Of(weight.Dims)}: a vector is kept"
            : isBatch && TensorData.ElementCount(graph.File, weight) < ConstantUse.FewestWeights
                ? $"weights of this kind are quantized from {ConstantUse.FewestWeights} on"
            : null;
    }

    private static ConstantUse Use(Graph graph, int index, int slot)
    {
        var node = graph.Nodes[index];
        var weight = graph.Initializers[node.Operand(slot)];
        int axis = WeightUse.ChannelAxis(node, slot, weight.Dims.Count)!.Value;
        int matrices = node.Is("MatMul") || WeightUse.IsRecurrent(node)
            ? (int)weight.Dims.SkipLast(2).Aggregate(1L, (product, dim) => product * dim)
            : 1;
        return new ConstantUse(index, slot, weight.Name, axis, matrices, Macs(graph, node, slot, matrices));
    }

    private static long Macs(Graph graph, NodeProto node, int slot, int matrices)
    {
        var weight = graph.Initializers[node.Operand(slot)];
        long parameters = TensorData.ElementCount(graph.File, weight);
        if (WeightUse.IsRecurrent(node))
        {
            // Every step of every sequence costs one product with each matrix.
            var inputs = graph.Tensors[node.Operand(0)];
            return inputs.ElementCount / Math.Max(1, inputs.Shape[^1]) * parameters;
        }
        int axis = WeightUse.ChannelAxis(node, slot, weight.Dims.Count)!.Value;
        // Every output element costs one dot product of a channel's weights; a transposed convolution spreads every input element instead.
        return node.OpType == "ConvTranspose"
            ? graph.Tensors[node.Operand(0)].ElementCount * parameters / weight.Dims[0]
            : graph.Tensors[node.Output[0]].ElementCount * parameters / (weight.Dims[axis] * matrices);
    }
}
