using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Makes matrix products of the Einsum nodes that multiply an activation by a constant matrix, or by a batch of them.
/// The constant is put in order here; where the activation or the output needs it, a Transpose or Reshape stands around the MatMul.
/// </summary>
internal sealed class EinsumRewriting
{
    private readonly GraphProto graph;
    private readonly string file;
    private readonly Func<string, IReadOnlyList<long>?> shapeOf;
    private readonly Dictionary<string, TensorProto> constants;
    private readonly ISet<string> taken;
    private readonly Dictionary<(string, string), string> ordered = [];

    private EinsumRewriting(GraphProto graph, string file, Func<string, IReadOnlyList<long>?> shapeOf)
    {
        (this.graph, this.file, this.shapeOf, taken) = (graph, file, shapeOf, GraphWalk.Names(graph));
        constants = graph.Initializer.Where(t => (DataType)t.DataType == DataType.Float).ToDictionary(t => t.Name);
    }

    /// <summary>Rewrites in place.</summary>
    /// <param name="graph">Nodes in topological order, constants resolved.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="shapeOf">Shape of an activation, for one image; null for what is none.</param>
    /// <returns>Whether the graph has other nodes now.</returns>
    public static bool Apply(GraphProto graph, string file, Func<string, IReadOnlyList<long>?> shapeOf)
    {
        var rewriting = new EinsumRewriting(graph, file, shapeOf);
        var rewritten = graph.Node.Select(node => (Node: node, Product: rewriting.Rewritten(node))).ToArray();
        if (rewritten.All(r => r.Product is null))
        {
            return false;
        }
        graph.Node.Clear();
        graph.Node.Add(rewritten.SelectMany(r => r.Product ?? [r.Node]));
        UnusedParts.Remove(graph);
        return true;
    }

    private List<NodeProto>? Rewritten(NodeProto node)
    {
        if (!node.Is("Einsum") || node.Operands() is not [var left, var right])
        {
            return null;
        }
        bool isLeft = constants.ContainsKey(left);
        var (activation, weight) = isLeft ? (right, left) : (left, right);
        if (!constants.TryGetValue(weight, out var constant) || shapeOf(activation) is not { } shape)
        {
            return null;
        }
        var (leftRank, rightRank) = isLeft ? (constant.Dims.Count, shape.Count) : (shape.Count, constant.Dims.Count);
        if (EinsumEquation.Parse(node.Text("equation") ?? "", leftRank, rightRank) is not { } equation)
        {
            return null;
        }
        var (labels, own) = isLeft ? (equation.Right, equation.Left) : (equation.Left, equation.Right);
        var product = EinsumProduct.Of(labels, own, equation.Output);
        // A dimension of 1 may stand for any size there, but not in a product.
        bool fits = product is not null && own.All(label =>
            !labels.Contains(label, StringComparison.Ordinal)
            || constant.Dims[own.IndexOf(label, StringComparison.Ordinal)] == shape[labels.IndexOf(label, StringComparison.Ordinal)]);
        return fits ? Nodes(node, product!, (activation, labels), (constant, own), equation.Output) : null;
    }

    private List<NodeProto> Nodes(
        NodeProto einsum, EinsumProduct product, (string Name, string Labels) activation, (TensorProto Tensor, string Labels) constant,
        string output)
    {
        var nodes = new List<NodeProto>();
        long Size(char label) => constant.Tensor.Dims[constant.Labels.IndexOf(label, StringComparison.Ordinal)];
        var at = Transposed(nodes, activation.Name, activation.Labels, product.Activation);
        if (product.Inputs.Length > 1)
        {
            long inputs = product.Inputs.Aggregate(1L, (count, label) => count * Size(label));
            at = Reshaped(nodes, at, product.Activation.Length - product.Inputs.Length, [inputs]);
        }
        int row = product.Outer.Length + product.Batch.Length;
        if (product.AddsRow)
        {
            at = Then(nodes, "Unsqueeze", [at, Integers([row])]);
        }
        at = Then(nodes, "MatMul", [at, Ordered(constant.Tensor, constant.Labels, product)]);
        nodes[^1].Name = einsum.Name;
        if (product.AddsRow)
        {
            at = Then(nodes, "Squeeze", [at, Integers([row])]);
        }
        if (product.Channels.Length > 1)
        {
            at = Reshaped(nodes, at, product.Output.Length - product.Channels.Length, [.. product.Channels.Select(Size)]);
        }
        Transposed(nodes, at, product.Output, output);
        nodes[^1].Output[0] = einsum.Output[0];
        return nodes;
    }

    private string Transposed(List<NodeProto> nodes, string name, string from, string to) => from == to
        ? name
        : Then(nodes, "Transpose", [name], Attribute("perm", [.. to.Select(label => (long)from.IndexOf(label, StringComparison.Ordinal))]));

    /// <summary>The first dimensions stay, whatever they are.</summary>
    private string Reshaped(List<NodeProto> nodes, string name, int leading, long[] sizes) =>
        Then(nodes, "Reshape", [name, Integers([.. Enumerable.Repeat(0L, leading), .. sizes])]);

    private string Then(List<NodeProto> nodes, string op, string[] inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var name = Unused("einsum");
        nodes.Add(Node(op, inputs, name, attributes));
        return name;
    }

    private string Integers(long[] values)
    {
        var name = Unused("einsum");
        graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        return name;
    }

    /// <summary>The constant with its labels in the order of the product. Shape: [batch, inputs, channels].</summary>
    private string Ordered(TensorProto constant, string labels, EinsumProduct product)
    {
        bool isMatrix = product.Inputs.Length == 1 && product.Channels.Length == 1;
        if (labels == product.Constant && isMatrix)
        {
            return constant.Name;
        }
        int[] order = [.. product.Constant.Select(label => labels.IndexOf(label, StringComparison.Ordinal))];
        long[] sizes = [.. order.Select(axis => constant.Dims[axis])];
        long Of(int skip, int take) => sizes.Skip(skip).Take(take).Aggregate(1L, (p, size) => p * size);
        int batch = product.Batch.Length, inputs = product.Inputs.Length;
        long[] shape = [.. sizes.Take(batch), Of(batch, inputs), Of(batch + inputs, product.Channels.Length)];
        var key = (constant.Name, $"{string.Join(',', order)} {ShapeText.Of(shape)}");
        if (!ordered.TryGetValue(key, out var name))
        {
            ordered.Add(key, name = Unused(constant.Name));
            float[] values = Permuted(TensorData.ReadSingles(file, constant), [.. constant.Dims], order);
            graph.Initializer.Add(TensorData.Singles(name, values, shape));
        }
        return name;
    }

    private static float[] Permuted(float[] values, long[] dims, int[] order)
    {
        var strides = new long[dims.Length];
        for (long axis = dims.Length - 1, stride = 1; axis >= 0; stride *= dims[axis], axis--)
        {
            strides[axis] = stride;
        }
        var permuted = new float[values.Length];
        for (int i = 0; i < permuted.Length; i++)
        {
            long rest = i, at = 0;
            for (int axis = order.Length - 1; axis >= 0; axis--)
            {
                at += rest % dims[order[axis]] * strides[order[axis]];
                rest /= dims[order[axis]];
            }
            permuted[i] = values[at];
        }
        return permuted;
    }

    private string Unused(string name)
    {
        while (!taken.Add(name))
        {
            name += "_";
        }
        return name;
    }
}
