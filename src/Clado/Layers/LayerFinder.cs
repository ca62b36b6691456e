using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>Finds the layers of a graph: Conv, ConvTranspose, Gemm and MatMul with a constant weight.</summary>
internal static class LayerFinder
{
    private const string NotLookedInto = "a custom operator or function is not looked into";

    private const string NotCompared = "nothing that is compared depends on it";

    private static readonly string[] Operators = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

    /// <summary>Finds the layers, and says why the other operators of these kinds stay as they are.</summary>
    /// <param name="graph">The graph to look through.</param>
    public static LayerSet Find(Graph graph)
    {
        var uses = new List<Use>();
        var reasons = new Dictionary<NodeProto, string>(ReferenceEqualityComparer.Instance);
        var before = Readout.NodesBefore(graph);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            if (Operators.Any(node.Is))
            {
                var (use, reason) = before.Contains(i) ? Look(graph, i) : (null, NotCompared);
                if (use is not null)
                {
                    uses.Add(use);
                }
                else
                {
                    reasons.Add(node, reason!);
                }
            }
            else if (!node.IsStandard())
            {
                reasons.Add(node, NotLookedInto);
            }
        }
        var weights = uses.Select(u => u.Weight).ToHashSet();
        foreach (var node in graph.Nodes)
        {
            InBodies(node, weights, reasons);
        }
        var names = new HashSet<string>();
        var layers = uses.GroupBy(u => u.Weight).Select((group, index) => Layer(graph, [.. group], index, names)).ToArray();
        return new LayerSet(layers, KeptConstants.List(graph, weights, reasons));
    }

    /// <summary>
    /// What bodies of loops and branches hold. How often a body runs, and whether at all, depends on the image. Its constants are kept, and
    /// those around it that it alone reads. A weight of the network's own layers is quantized for a body, too.
    /// </summary>
    private static void InBodies(NodeProto node, IReadOnlySet<string> weights, Dictionary<NodeProto, string> reasons)
    {
        foreach (var body in GraphWalk.Bodies(node))
        {
            var visible = weights.Except(GraphWalk.Defines(body)).ToHashSet();
            foreach (var inner in body.Node)
            {
                if (!inner.IsStandard())
                {
                    reasons.Add(inner, NotLookedInto);
                }
                else if (Operators.Any(inner.Is) && !inner.Operands().Any(visible.Contains))
                {
                    reasons.Add(inner, $"in the body of {node.OpType} '{node.DisplayName()}', and bodies are kept as they are");
                }
                InBodies(inner, visible, reasons);
            }
        }
    }

    private static QuantizableLayer Layer(Graph graph, Use[] uses, int index, HashSet<string> names)
    {
        var node = graph.Nodes[uses[0].Node];
        var name = node.Name.Length > 0 ? node.Name : uses[0].Weight;
        var weight = graph.Initializers[uses[0].Weight];
        bool isReadOnce = uses.Length == 1 && graph.Consumers(weight.Name).Count == 1;
        return new QuantizableLayer
        {
            Index = index,
            Name = names.Add(name) ? name : Unique(name, names),
            Op = node.OpType,
            Weight = uses[0].Weight,
            Nodes = graph.Consumers(uses[0].Weight),
            Shape = [.. weight.Dims],
            ChannelAxis = uses.All(u => u.ChannelAxis == uses[0].ChannelAxis) ? uses[0].ChannelAxis : null,
            Groups = node.Integer("group", 1),
            Macs = uses.Sum(u => u.Macs),
            Bias = isReadOnce ? Bias(graph, node, weight.Dims[uses[0].ChannelAxis]) : null,
        };
    }

    /// <summary>The bias of a node: its own, or that of an Add behind it along the last axis.</summary>
    private static string? Bias(Graph graph, NodeProto node, long channels)
    {
        var name = AddedBehind(graph, node) ?? node.Operand(2);
        bool isVector = graph.Initializers.TryGetValue(name, out var tensor)
            && (DataType)tensor.DataType == DataType.Float && tensor.Dims is [var length] && length == channels;
        bool isReadOnce = graph.Consumers(name).Count == 1 && !graph.Outputs.Contains(name);
        bool isScaled = node.Is("Gemm") && node.Find("beta") is not (null or { F: 1 });
        return isVector && isReadOnce && !isScaled ? name : null;
    }

    /// <summary>What an Add behind a matrix product adds to it; null where there is no such Add.</summary>
    private static string? AddedBehind(Graph graph, NodeProto node)
    {
        var product = node.Output[0];
        bool isProduct = node.Is("MatMul") && graph.Initializers.ContainsKey(node.Operand(1)) && !graph.Outputs.Contains(product);
        return isProduct && graph.Consumers(product) is [var next] && graph.Nodes[next].Is("Add")
            ? graph.Nodes[next].Operands().FirstOrDefault(i => i != product)
            : null;
    }

    private static string Unique(string name, HashSet<string> names) =>
        Enumerable.Range(2, int.MaxValue - 2).Select(i => $"{name}#{i}").First(names.Add);

    private static (Use? Use, string? Reason) Look(Graph graph, int index)
    {
        var node = graph.Nodes[index];
        int slot = graph.Initializers.ContainsKey(node.Operand(1)) ? 1
            : node.Is("MatMul") && graph.Initializers.ContainsKey(node.Operand(0)) ? 0
            : -1;
        if (slot < 0)
        {
            return (null, node.Is("MatMul") ? "no constant factor (both are activations)" : "the weight is computed, not constant");
        }
        var weight = graph.Initializers[node.Operand(slot)];
        if ((DataType)weight.DataType != DataType.Float)
        {
            return (null, $"the weight is {(DataType)weight.DataType}, not float");
        }
        if (weight.Dims.Count < 2 || weight.Dims.Any(d => d == 0))
        {
            return (null, $"the weight has shape {ShapeText.Of(weight.Dims)}: a vector is kept");
        }
        if (node.Is("MatMul") && weight.Dims.Count > 2)
        {
            return (null, $"the weight has shape {ShapeText.Of(weight.Dims)}: a batch of matrices is kept");
        }
        long parameters = TensorData.ElementCount(graph.File, weight);
        long outputs = graph.Tensors[node.Output[0]].ElementCount;
        int axis = WeightUse.ChannelAxis(node, slot)!.Value;
        // Every output element costs one dot product of a channel's weights; a transposed convolution spreads every input element instead.
        long macs = node.OpType == "ConvTranspose"
            ? graph.Tensors[node.Operand(0)].ElementCount * parameters / weight.Dims[0]
            : outputs * parameters / weight.Dims[axis];
        return (new Use(index, node.Operand(slot), axis, macs), null);
    }

    private sealed record Use(int Node, string Weight, int ChannelAxis, long Macs);
}
