using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>Finds tables that are looked up: embeddings, biases of relative positions.</summary>
internal static class Tables
{
    // A scale then takes at most half a bit a weight.
    private const int FewestWeightsOfRow = 64;

    // What says where in the image something is. A table it is looked up in may hold coordinates, which 8 bits are too few for.
    private static readonly string[] Places = ["NonMaxSuppression", "NonZero", "TopK"];

    private static readonly string[] Readers = ["Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"];

    /// <summary>A Gather's use of a constant table, or why the table is kept; neither where the node looks up none worth naming.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="index">Index of the node.</param>
    public static (IReadOnlyList<ConstantUse> Uses, string? Reason) Of(Graph graph, int index)
    {
        var node = graph.Nodes[index];
        if (!node.Is("Gather") || !graph.Initializers.TryGetValue(node.Operand(0), out var table)
            || (DataType)table.DataType != DataType.Float
            || TensorData.SizeBytes(graph.File, table) < KeptConstants.LeastBytes)
        {
            return ([], null);
        }
        long parameters = TensorData.ElementCount(graph.File, table);
        string? reason = table.Dims.Count < 2 ? "a table of single numbers is kept"
            : parameters < ConstantUse.FewestWeights ? $"a table is quantized from {ConstantUse.FewestWeights} weights on"
            : graph.Walk.Behind([node.Operand(1)], new HashSet<string>()).Any(i => Places.Any(graph.Nodes[i].Is))
                ? "what is looked up are places in the image: the table may hold coordinates"
            : !graph.Walk.DependentOn([node.Output[0]]).Any(i => Readers.Any(graph.Nodes[i].Is))
                ? "no layer depends on what is looked up: the table may hold coordinates"
            : null;
        return (reason is null ? [new(index, 0, table.Name, ChannelAxis(node, table), 1, 0)] : [], reason);
    }

    /// <summary>What is looked up has a scale a row where rows are long; else scales lie along the last axis that is no row.</summary>
    private static int ChannelAxis(NodeProto node, TensorProto table)
    {
        int rank = table.Dims.Count, axis = (int)((node.Integer("axis", 0) + rank) % rank);
        long row = table.Dims.Where((_, i) => i != axis).Aggregate(1L, (product, dim) => product * dim);
        return row >= FewestWeightsOfRow ? axis : axis == rank - 1 ? rank - 2 : rank - 1;
    }
}
