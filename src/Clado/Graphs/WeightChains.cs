using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Weights that a file stores in another form than it multiplies by: half precision and a Cast, integers and a DequantizeLinear, floats
/// that are rounded to a grid, another order and a Transpose. They are weights like others: the chain is computed once, and what is
/// quantized is its result.
/// </summary>
internal static class WeightChains
{
    private static readonly string[] Conversions =
    [
        "Cast", "Clip", "DequantizeLinear", "Flatten", "Identity", "QuantizeLinear", "Reshape", "Squeeze", "Transpose", "Unsqueeze",
    ];

    private static readonly string[] Layers =
        ["Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "Einsum", "Gather", "GRU", "LSTM", "RNN"];

    /// <summary>The nodes whose results are weights, biases and normalizations of layers, in another form.</summary>
    /// <param name="graph">Nodes in topological order.</param>
    public static IReadOnlySet<NodeProto> Find(GraphProto graph)
    {
        var computed = Computed(graph);
        var wanted = graph.Node.Where(node => Layers.Any(node.Is)).SelectMany(Weights).ToHashSet();
        // However integers are made of others (of planes of bits, say), they are codes.
        var codes = new HashSet<string>();
        var outputs = graph.Output.Select(output => output.Name).ToHashSet();
        var chains = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        foreach (var node in graph.Node.Reverse().Where(node => computed.Contains(node) && !node.Output.Any(outputs.Contains)))
        {
            bool isCode = node.Output.Any(codes.Contains);
            if (isCode || (Conversions.Any(node.Is) && node.Output.Any(wanted.Contains)))
            {
                chains.Add(node);
                (isCode || node.Is("DequantizeLinear") ? codes : wanted).UnionWith(node.Operands());
            }
        }
        return chains;
    }

    /// <summary>The nodes that compute on constants alone.</summary>
    private static HashSet<NodeProto> Computed(GraphProto graph)
    {
        var constants = graph.Initializer.Select(t => t.Name).ToHashSet();
        var computed = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        foreach (var node in graph.Node.Where(node => node.IsStandard() && GraphWalk.Reads(node).Any()))
        {
            if (GraphWalk.Reads(node).All(constants.Contains))
            {
                computed.Add(node);
                constants.UnionWith(node.Output);
            }
        }
        return computed;
    }

    private static IEnumerable<string> Weights(NodeProto node) =>
        node.Operands().Take(node.Is("Gather") ? 1 : int.MaxValue).Skip(node.OpType is "MatMul" or "Einsum" or "Gather" ? 0 : 1)
            .Where(name => name.Length > 0);
}
