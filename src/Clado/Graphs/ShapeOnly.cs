using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>What changes the shape or the type of a tensor, or rounds its elements, and otherwise leaves them as they are.</summary>
internal static class ShapeOnly
{
    private static readonly HashSet<string> Operators =
    [
        "Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Cast", "CastLike", "Dropout",
    ];

    /// <summary>Whether a node is of these. Calls of functions that Clado wrote round activations.</summary>
    /// <param name="node">The node.</param>
    public static bool Is(NodeProto node) => (node.IsStandard() && Operators.Contains(node.OpType)) || IsRounding(node);

    /// <summary>The tensor that one is, but for its shape.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="tensor">Name of the tensor.</param>
    /// <param name="isEnough">Where to stop on the way; null to go to its end.</param>
    public static string Source(Graph graph, string tensor, Predicate<string>? isEnough = null)
    {
        while (isEnough?.Invoke(tensor) is not true && graph.Producer(tensor) is >= 0 and var producer && Is(graph.Nodes[producer])
            && graph.Producer(graph.Nodes[producer].Operand(0)) >= 0)
        {
            tensor = graph.Nodes[producer].Operand(0);
        }
        return tensor;
    }

    /// <summary>The tensor before all of a graph's final enlargements: they have no weights, and follow from what they enlarge.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="tensor">Name of the tensor, a map with its channels behind the batch.</param>
    public static string BeforeResize(Graph graph, string tensor)
    {
        while (graph.Producer(tensor) is >= 0 and var producer && graph.Nodes[producer] is var node
            && (node.Is("Resize") || node.Is("Identity") || IsRounding(node)) && graph.Producer(node.Operand(0)) >= 0
            && graph.Tensors.TryGetValue(node.Operand(0), out var before) && graph.Tensors[tensor] is var after
            && before.Shape.Count == 4 && after.Shape.Count == 4 && before.Shape.Take(2).SequenceEqual(after.Shape.Take(2))
            && before.ElementCount <= after.ElementCount)
        {
            tensor = node.Operand(0);
        }
        return tensor;
    }

    private static bool IsRounding(NodeProto node) =>
        node.Domain == LocalFunctions.Domain || node.Is("QuantizeLinear") || node.Is("DequantizeLinear");
}
