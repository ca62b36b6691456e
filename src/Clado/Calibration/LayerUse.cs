using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>A node that uses a layer's weight the layer's way.</summary>
/// <param name="Node">The node.</param>
/// <param name="Tensor">Its input in the float network.</param>
/// <param name="Quantized">Its input in the network in which weights are replaced; the same name where none are.</param>
internal sealed record LayerUse(NodeProto Node, string Tensor, string Quantized)
{
    /// <summary>The nodes that use a layer's weight.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="replaced">
    /// The network in which weights are replaced. It may have more nodes, but those that read the weight are in the same order.
    /// </param>
    /// <param name="layer">The layer.</param>
    public static IReadOnlyList<LayerUse> Of(Graph graph, Graph replaced, QuantizableLayer layer) =>
        [.. layer.Nodes.Zip(replaced.Consumers(layer.Weight), (own, other) => (Node: graph.Nodes[own], Other: replaced.Nodes[other]))
            .Select(n => (n.Node, Own: InputRows.Tensor(n.Node, layer), Replaced: InputRows.Tensor(n.Other, layer)))
            .Where(n => n.Own is not null && graph.Tensors.ContainsKey(n.Own))
            .Select(n => new LayerUse(n.Node, n.Own!, n.Replaced!))];
}
