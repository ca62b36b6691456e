using static Clado.Onnx.TensorProto.Types;

namespace Clado.Onnx.Upgrade;

/// <summary>Finds where a network computes in another precision than float.</summary>
internal static class PrecisionSearch
{
    private static readonly string[] Layers =
        ["BatchNormalization", "Conv", "ConvTranspose", "DeformConv", "Einsum", "GRU", "Gemm", "LSTM", "MatMul", "RNN"];

    // What gives integers or truths, whatever it reads.
    private static readonly string[] Ends =
    [
        "ArgMax", "ArgMin", "DynamicQuantizeLinear", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual",
        "NonMaxSuppression", "NonZero", "QuantizeLinear", "Shape", "Size",
    ];

    /// <summary>
    /// Whether a layer computes in another precision, an image comes in one, or no answer is of floats and one is of another precision.
    /// </summary>
    /// <param name="graph">Nodes in topological order.</param>
    public static bool ComputesInOthers(GraphProto graph)
    {
        bool takesImages = graph.Input.Any(
            input => FloatTypes.IsOther(input.Type) && input.Type.TensorType?.Shape?.Dim.Count is null or > 2);
        bool gives = graph.Output.Any(output => FloatTypes.IsOther(output.Type))
            && graph.Output.All(output => output.Type?.TensorType?.ElemType != (int)DataType.Float);
        return takesImages || gives || AreLayersIn(graph, []);
    }

    /// <summary>Names of the constants that are only stored in another precision: nothing but conversions reads them.</summary>
    /// <param name="graph">The graph.</param>
    public static IReadOnlySet<string> Stored(GraphProto graph)
    {
        var read = graph.Node.Where(node => !IsCastAway(node)).SelectMany(GraphWalk.Reads)
            .Concat(graph.Output.Select(output => output.Name));
        return graph.Initializer.Select(tensor => tensor.Name).Except(read).ToHashSet();
    }

    /// <summary>Whether a layer of a graph, or of a body in it, reads what is of another precision, as far as can be told.</summary>
    private static bool AreLayersIn(GraphProto graph, IEnumerable<string> around)
    {
        var others = graph.Initializer.Where(tensor => FloatTypes.IsOther(tensor.DataType)).Select(tensor => tensor.Name)
            .Concat(graph.Input.Where(input => FloatTypes.IsOther(input.Type)).Select(input => input.Name)).Concat(around).ToHashSet();
        foreach (var node in graph.Node)
        {
            bool reads = GraphWalk.Reads(node).Any(others.Contains);
            if ((reads && Layers.Any(node.Is)) || GraphWalk.Bodies(node).Any(body => AreLayersIn(body, others)))
            {
                return true;
            }
            if ((reads && !IsEnd(node)) || FloatTypes.IsSaid(node))
            {
                others.UnionWith(node.Output);
            }
        }
        return false;
    }

    private static bool IsEnd(NodeProto node) => Ends.Any(node.Is) || IsCastAway(node);

    private static bool IsCastAway(NodeProto node) => node.Is("Cast") && !FloatTypes.Said(node).Any();
}
