using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>What an output ends in, behind whatever only changes its shape.</summary>
internal enum EndKind
{
    /// <summary>None of the others.</summary>
    Plain,

    /// <summary>Shares of classes: Softmax.</summary>
    Softmax,

    /// <summary>A share of each value: Sigmoid.</summary>
    Sigmoid,

    /// <summary>Positions of the largest scores: ArgMax or TopK.</summary>
    Index,

    /// <summary>Vectors of length 1.</summary>
    UnitLength,

    /// <summary>Features normalized over the images or over themselves.</summary>
    Normalized,
}

/// <summary>How an output ends.</summary>
/// <param name="Output">Name of the output.</param>
/// <param name="Kind">What it ends in.</param>
/// <param name="Node">The node it ends in; null where an input or a constant is an output.</param>
internal sealed record OutputEnd(string Output, EndKind Kind, NodeProto? Node)
{
    /// <summary>Name of the tensor before the end: scores before a Softmax. The output itself where the end is plain.</summary>
    public required string Tensor { get; init; }

    /// <summary>Axis of the classes of <see cref="Tensor"/>; null where the end says nothing.</summary>
    public long? Axis { get; init; }

    /// <summary>Finds how an output ends.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="output">Name of the output.</param>
    public static OutputEnd Of(Graph graph, string output)
    {
        var last = ShapeOnly.Source(graph, output);
        if (graph.Producer(last) is not (>= 0 and var index))
        {
            return new OutputEnd(output, EndKind.Plain, null) { Tensor = output };
        }
        var node = graph.Nodes[index];
        OutputEnd Ends(EndKind kind, string tensor, long? axis = null) => new(output, kind, node) { Tensor = tensor, Axis = axis };
        return (node.IsStandard() ? node.OpType : "") switch
        {
            "Softmax" => Ends(EndKind.Softmax, node.Operand(0), node.Integer("axis", -1)),
            "LogSoftmax" => Ends(EndKind.Softmax, last, node.Integer("axis", -1)),
            "Sigmoid" => Ends(EndKind.Sigmoid, node.Operand(0)),
            "ArgMax" => Before(graph, Ends(EndKind.Index, node.Operand(0), node.Integer("axis", 0))),
            "TopK" => Before(graph, Ends(EndKind.Index, node.Operand(0), node.Integer("axis", -1))),
            "Greater" or "GreaterOrEqual" or "Less" or "LessOrEqual" or "Round" => Compared(graph, node, Ends(EndKind.Plain, output)),
            "LpNormalization" => Ends(EndKind.UnitLength, output),
            "Div" or "Mul" when UnitLength.IsDivision(graph, node) => Ends(EndKind.UnitLength, output),
            "BatchNormalization" or "LayerNormalization" or "InstanceNormalization" => Ends(EndKind.Normalized, output),
            _ => Ends(EndKind.Plain, output),
        };
    }

    /// <summary>In front of an index, a Softmax along the same axis changes nothing: its scores are read.</summary>
    private static OutputEnd Before(Graph graph, OutputEnd end)
    {
        var inner = Of(graph, end.Tensor);
        bool isSame = inner is { Kind: EndKind.Softmax, Axis: { } axis } && ShapeOnly.Source(graph, end.Tensor) == end.Tensor
            && Rank(graph, end.Tensor) is var rank && Positive(axis, rank) == Positive(end.Axis!.Value, rank);
        return isSame ? end with { Tensor = inner.Tensor } : end;
    }

    /// <summary>What compares the share of a Sigmoid with a threshold answers yes or no, as the share does.</summary>
    private static OutputEnd Compared(Graph graph, NodeProto node, OutputEnd otherwise)
    {
        var inner = Of(graph, node.Operands().FirstOrDefault(name => graph.Producer(name) >= 0, node.Operand(0)));
        return inner.Kind == EndKind.Sigmoid ? inner with { Output = otherwise.Output } : otherwise;
    }

    private static int Rank(Graph graph, string tensor) => graph.Tensors.TryGetValue(tensor, out var info) ? info.Shape.Count : 0;

    private static long Positive(long axis, int rank) => axis < 0 ? axis + rank : axis;
}
