using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>A node that uses a layer's weight: linear in it, and in its bias.</summary>
internal sealed class LinearUse
{
    private static readonly string[] Linear = ["Conv", "ConvTranspose", "Gemm", "MatMul", "Gather"];

    private readonly TensorInfo output;

    /// <summary>Looks at a node.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="changes">The layer, and what changes of it.</param>
    /// <param name="node">Index of the node.</param>
    /// <exception cref="OnnxFormatException">Its output is not linear in the weight, or mixes images.</exception>
    public LinearUse(Graph graph, LayerChanges changes, int node)
    {
        (Changes, Node) = (changes, graph.Nodes[node]);
        if (!Linear.Contains(Node.OpType))
        {
            throw new OnnxFormatException(
                graph.File, $"a gradient would go through operator {Node.OpType}, for which there is no rule", Node.DisplayName());
        }
        output = graph.Tensors[Output];
        if (output.Shape.Count == 0 || output.Batched.Skip(1).Contains(true) || output.Batched[0] != graph.HasFreeBatch)
        {
            throw new OnnxFormatException(
                graph.File, "its images do not lie one after the other, so none has a gradient of its own", Node.DisplayName());
        }
        HasBias = changes.Biases is not null && Node.Operands().Contains(changes.Layer.Bias);
    }

    /// <summary>The layer, and what changes of it.</summary>
    public LayerChanges Changes { get; }

    /// <summary>The node.</summary>
    public NodeProto Node { get; }

    /// <summary>Whether the node adds the bias that changes.</summary>
    public bool HasBias { get; }

    /// <summary>Name of the bias that changes, where another node adds it; else null.</summary>
    public string? BiasElsewhere => Changes.Biases is not null && !HasBias ? Changes.Layer.Bias : null;

    /// <summary>Name of its output.</summary>
    public string Output => Node.Output[0];

    /// <summary>Names of what it takes besides the layer's constants.</summary>
    public IEnumerable<string> Inputs => Node.Operands().Take(2).Where(name => name != Changes.Layer.Weight);

    /// <summary>Elements of its output an image.</summary>
    public long Elements => output.ElementCount;

    /// <summary>Whether one convolution can do all changes: its channels are those of every change, one after the other.</summary>
    public bool IsStackable => Node.OpType == "Conv" && Changes.Layer.Groups == 1;

    /// <summary>The node's inputs with its constants replaced; those that do not change are left out.</summary>
    /// <param name="weight">Name of what takes the place of the weight.</param>
    /// <param name="bias">Name of what takes the place of the bias; null where it does not change.</param>
    public IReadOnlyList<string> Replaced(string weight, string? bias)
    {
        var replaced = Node.Operands().Take(2).Select(name => name == Changes.Layer.Weight ? weight : name);
        return bias is null ? [.. replaced] : [.. replaced, bias];
    }
}
