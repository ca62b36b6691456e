using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// What is written of activations where a network has grids of its own: those, and the biases between them as integers, whose step follows
/// from the new weights'. ONNX Runtime multiplies integers there, and would round floats to that very step without a word.
/// </summary>
internal static class KeptGrids
{
    /// <summary>Finds the nodes that compute in integers and have a bias.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <returns>A plan that puts nothing on grids; the grids are those that the nodes read.</returns>
    public static QuantizedActivations Of(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        var scales = new List<float>();
        var nodes = new List<IntegerNode>();
        foreach (var (layer, index) in layers.SelectMany(layer => layer.Nodes.Select(node => (layer, node))))
        {
            var node = graph.Nodes[index];
            if (WeightUse.Slot(node, layer.Weight, layer.Shape.Count) == 1 && IsInteger(graph, node) && HasPlainBias(graph, node, layer)
                && Scale(graph, node) is { } scale)
            {
                nodes.Add(new IntegerNode(index, layer, scales.Count, node.Operand(2)) { InputScale = scale.Name });
                scales.Add(TensorData.ReadSingles(graph.File, scale)[0]);
            }
        }
        return new QuantizedActivations(
            new ActivationPlan { Tensors = [], Nodes = nodes, Kept = [], Kernels = [], Floats = new HashSet<int>(), AreKept = true },
            new ActivationRanges(scales, new byte[scales.Count]));
    }

    /// <summary>
    /// Whether a node runs in integers between grids: a convolution where its output goes on one, too, which a Relu may come before.
    /// </summary>
    private static bool IsInteger(Graph graph, NodeProto node)
    {
        if (node.Is("Gemm"))
        {
            return node.Find("alpha") is null or { F: 1 } && node.Find("beta") is null or { F: 1 } && node.Integer("transA", 0) == 0;
        }
        var output = node.Output[0];
        while (graph.Consumers(output) is [var only] && graph.Nodes[only] is var reader && (reader.Is("Relu") || reader.Is("Clip")))
        {
            output = reader.Output[0];
        }
        return (node.Is("Conv") || (node.Is("ConvTranspose") && node.Integer("group", 1) == 1))
            && graph.Consumers(output) is [var last] && graph.Nodes[last].Is("QuantizeLinear");
    }

    private static bool HasPlainBias(Graph graph, NodeProto node, QuantizableLayer layer) =>
        graph.Initializers.TryGetValue(node.Operand(2), out var bias) && (DataType)bias.DataType == DataType.Float
        && bias.Dims is [var length] && length == layer.Shape[WeightUse.ChannelAxis(node, 1, layer.Shape.Count)!.Value];

    /// <summary>The one scale of the grid that a node's input is on, or null.</summary>
    private static TensorProto? Scale(Graph graph, NodeProto node) =>
        graph.Producer(node.Operand(0)) is >= 0 and var producer && graph.Nodes[producer] is var maker && maker.Is("DequantizeLinear")
        && graph.Initializers.TryGetValue(maker.Operand(1), out var scale) && (DataType)scale.DataType == DataType.Float
        && scale.Dims.All(dim => dim == 1)
            ? scale
            : null;
}
