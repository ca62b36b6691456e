using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Weights that a file stores in another form than it multiplies by: half precision and a Cast, integers and a DequantizeLinear, another
/// order and a Transpose. They are weights like others: the chain is computed once, and what is quantized is its result.
/// </summary>
internal static class WeightChains
{
    private static readonly string[] Conversions =
        ["Cast", "DequantizeLinear", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"];

    private static readonly string[] Layers = ["Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"];

    /// <summary>The nodes whose results are weights, biases and normalizations of layers, in another form.</summary>
    /// <param name="graph">Nodes in topological order.</param>
    /// <param name="areIntegersMeant">Whether integers are what the network computes in: they stay.</param>
    public static IReadOnlySet<NodeProto> Find(GraphProto graph, bool areIntegersMeant)
    {
        var constants = graph.Initializer.Select(t => t.Name).ToHashSet();
        var wanted = graph.Node.Where(node => Layers.Any(node.Is)).SelectMany(Weights).ToHashSet();
        var outputs = graph.Output.Select(output => output.Name).ToHashSet();
        var chains = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        foreach (var node in graph.Node.Reverse().Where(node => Conversions.Any(node.Is) && node.Output.Any(wanted.Contains)))
        {
            if (!(areIntegersMeant && node.Is("DequantizeLinear")) && !node.Output.Any(outputs.Contains))
            {
                chains.Add(node);
                wanted.Add(node.Operand(0));
            }
        }
        // What begins with an activation is none; what begins with arithmetic on constants is.
        foreach (var node in graph.Node)
        {
            if (node.Operands().Count > 0 && GraphWalk.Reads(node).All(constants.Contains)
                && (chains.Contains(node) || (node.IsStandard() && !node.Is("DequantizeLinear"))))
            {
                constants.UnionWith(node.Output);
            }
            else
            {
                chains.Remove(node);
            }
        }
        return chains;
    }

    private static IEnumerable<string> Weights(NodeProto node) =>
        node.Operands().Skip(node.Is("MatMul") ? 0 : 1).Where(name => name.Length > 0);
}
