using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>A node that uses a layer's weight: linear in it.</summary>
internal sealed class LinearUse
{
    private static readonly string[] Linear = ["Conv", "ConvTranspose", "Gemm", "MatMul", "Gather"];

    private readonly Graph graph;
    private readonly QuantizableLayer layer;

    /// <summary>Looks at a node.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="node">Index of the node.</param>
    /// <exception cref="OnnxFormatException">Its output is not linear in the weight, or mixes images.</exception>
    public LinearUse(Graph graph, QuantizableLayer layer, int node)
    {
        (this.graph, this.layer, Node) = (graph, layer, graph.Nodes[node]);
        if (!Linear.Contains(Node.OpType))
        {
            throw new OnnxFormatException(
                graph.File, $"a gradient would go through operator {Node.OpType}, for which there is no rule", Node.DisplayName());
        }
        var output = graph.Tensors[Output];
        if (output.Shape.Count == 0 || output.Batched.Skip(1).Contains(true) || output.Batched[0] != graph.HasFreeBatch)
        {
            throw new OnnxFormatException(
                graph.File, "its images do not lie one after the other, so none has a gradient of its own", Node.DisplayName());
        }
        Elements = output.ElementCount;
    }

    /// <summary>The node.</summary>
    public NodeProto Node { get; }

    /// <summary>Name of its output.</summary>
    public string Output => Node.Output[0];

    /// <summary>Elements of its output an image.</summary>
    public long Elements { get; }

    /// <summary>
    /// Whether an image has a gradient by the weight: images lie one after the other in what the weight is multiplied with.
    /// </summary>
    public bool HasWeightGradient => Node.OpType switch
    {
        "Conv" or "ConvTranspose" => IsImage(0),
        "Gemm" => IsWeight(1) && Node.Integer("transA", 0) == 0 && IsImage(0),
        "MatMul" => IsWeight(1) && layer.Shape.Count == 2 && IsImage(0) && graph.Tensors[Node.Operand(0)].Shape.Count > 1,
        _ => false,
    };

    /// <summary>Whether one convolution can do all changes: its channels are those of every change, one after the other.</summary>
    public bool IsStackable => Node.OpType == "Conv" && layer.Groups == 1;

    /// <summary>The first two inputs of the node with the weight replaced: what the change of a weight is applied with.</summary>
    /// <param name="weight">Name of what takes the place of the weight.</param>
    public IReadOnlyList<string> Replaced(string weight) =>
        [.. Node.Operands().Take(2).Select(name => name == layer.Weight ? weight : name)];

    private bool IsWeight(int slot) => Node.Operand(slot) == layer.Weight;

    private bool IsImage(int slot)
    {
        var name = Node.Operand(slot);
        return graph.Tensors.TryGetValue(name, out var info) && !graph.Initializers.ContainsKey(name)
            && info.Shape.Count > 0 && info.Batched[0] == graph.HasFreeBatch && !info.Batched.Skip(1).Contains(true);
    }
}
