using Clado.Onnx;

namespace Clado.Graphs.Integers;

/// <summary>Grids that a model itself rounds its activations to.</summary>
internal static class ActivationGrids
{
    /// <summary>Whether a node rounds a tensor to a grid.</summary>
    /// <param name="node">The node.</param>
    public static bool IsGrid(NodeProto node) => node.Is("QuantizeLinear") || node.Is("DynamicQuantizeLinear");

    /// <summary>Bits of the widest grid; 0 where there is none.</summary>
    /// <param name="graph">The network.</param>
    public static int Bits(Graph graph) => graph.Nodes.Where(IsGrid)
        .Select(node => ActivationGrid.Bits(node, node.Is("QuantizeLinear") ? graph.Initializers.GetValueOrDefault(node.Operand(2)) : null))
        .DefaultIfEmpty(0).Max();
}
