using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Which tensors depend on the image's values, and which even in their size: behind NonMaxSuppression, NonZero and their like, and where a
/// shape is computed from values. What has another size for every image cannot be compared; what stands before it can.
/// </summary>
internal sealed class DataDependence
{
    private static readonly HashSet<string> OfAnySize = ["NonMaxSuppression", "NonZero", "Unique", "Compress"];

    // Operators whose inputs from a position on say how large the output is.
    private static readonly (int From, string[] Operators)[] Sized =
    [
        (0, ["ConstantOfShape", "Range"]),
        (1, ["Reshape", "Expand", "Slice", "TopK", "Tile", "Pad", "Split", "OneHot", "Squeeze", "Unsqueeze"]),
        (1, ["CenterCropPad", "AffineGrid"]),
        (2, ["Resize"]),
    ];

    private readonly Graph graph;
    private readonly HashSet<string> values = [];
    private readonly HashSet<string> sizes = [];

    private DataDependence(Graph graph)
    {
        this.graph = graph;
        values.Add(graph.Input);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Follow(graph.Nodes[i], graph.Walk.Reads(i));
        }
    }

    /// <summary>Looks through a graph.</summary>
    /// <param name="graph">The graph.</param>
    public static DataDependence Of(Graph graph) => new(graph);

    /// <summary>Whether the size of a tensor depends on the image.</summary>
    /// <param name="tensor">Its name.</param>
    public bool InSize(string tensor) => sizes.Contains(tensor);

    /// <summary>Whether a tensor holds floats that depend on the image, and as many of every image.</summary>
    /// <param name="tensor">Its name.</param>
    public bool IsComparable(string tensor) => values.Contains(tensor) && !sizes.Contains(tensor)
        && graph.Tensors.TryGetValue(tensor, out var info) && info.Type == DataType.Float && graph.Producer(tensor) >= 0;

    /// <summary>The last comparable tensors that some tensors follow from, those themselves where they are, in the order found.</summary>
    /// <param name="tensors">Names of the tensors.</param>
    public IReadOnlyList<string> Behind(IEnumerable<string> tensors)
    {
        var found = new List<string>();
        var seen = new HashSet<string>();
        var open = new Stack<string>(tensors.Reverse());
        while (open.TryPop(out var tensor))
        {
            if (!seen.Add(tensor) || !values.Contains(tensor))
            {
                continue;
            }
            if (IsComparable(tensor))
            {
                found.Add(tensor);
            }
            else if (graph.Producer(tensor) is >= 0 and var producer)
            {
                foreach (var read in graph.Walk.Reads(producer).Reverse())
                {
                    open.Push(read);
                }
            }
        }
        return Independent(found);
    }

    /// <summary>Those that do not follow from the others without a weight in between.</summary>
    private List<string> Independent(List<string> tensors)
    {
        var kept = tensors.ToList();
        foreach (var tensor in tensors.AsEnumerable().Reverse())
        {
            var others = kept.Where(name => name != tensor).ToHashSet();
            var between = graph.Walk.Behind([tensor], others);
            bool follows = !graph.Walk.Needs(between).Except(others).Any(values.Contains) && !between.Any(i => HasWeight(graph.Nodes[i]));
            if (others.Count > 0 && follows)
            {
                kept.Remove(tensor);
            }
        }
        return kept;
    }

    private bool HasWeight(NodeProto node) =>
        node.Operands().Any(name => graph.Initializers.TryGetValue(name, out var tensor) && tensor.Dims.Count > 1);

    private void Follow(NodeProto node, IReadOnlyList<string> reads)
    {
        // The shape of what has a fixed size says nothing of the image.
        bool isShape = node.Is("Shape") || node.Is("Size");
        bool inValue = !isShape && reads.Any(values.Contains), inSize = reads.Any(sizes.Contains);
        if (inValue || inSize)
        {
            values.UnionWith(node.Output);
        }
        if (!isShape && (inSize || (inValue && IsSizedByValues(node))))
        {
            sizes.UnionWith(node.Output);
        }
    }

    private bool IsSizedByValues(NodeProto node) =>
        (node.IsStandard() && OfAnySize.Contains(node.OpType))
        || Sized.Any(sized => sized.Operators.Any(node.Is) && node.Operands().Skip(sized.From).Any(values.Contains))
        || GraphWalk.AtEveryDepth(GraphWalk.Bodies(node).SelectMany(body => body.Node)).Any(inner => OfAnySize.Any(inner.Is));
}
