using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Layers;

/// <summary>Finds the layers of a graph: the constants that are quantized, with the nodes that use them.</summary>
internal static class LayerFinder
{
    private const string NotLookedInto = "a custom operator or function is not looked into";

    private const string NotCompared = "nothing that is compared depends on it";

    private static readonly string[] Operators = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

    /// <summary>Finds the layers, and says why the other operators of these kinds stay as they are.</summary>
    /// <param name="graph">The graph to look through.</param>
    public static LayerSet Find(Graph graph)
    {
        var uses = new List<ConstantUse>();
        var lookups = new List<ConstantUse>();
        var reasons = new Dictionary<NodeProto, string>(ReferenceEqualityComparer.Instance);
        var before = Readout.NodesBefore(graph);
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            var (own, reason) = !node.IsStandard() ? ([], NotLookedInto)
                : Operators.Any(node.Is) || WeightUse.IsRecurrent(node) ? WeightUses.Of(graph, i)
                : Tables.Of(graph, i);
            (own, reason) = own.Count > 0 && !before.Contains(i) ? ([], NotCompared) : (own, reason);
            (node.Is("Gather") ? lookups : uses).AddRange(own);
            if (reason is not null)
            {
                reasons.Add(node, reason);
            }
            else if (IntegerOperators.IsStandard(node))
            {
                reasons.Add(node, "an operator of integers in a form that has no counterpart in floats is kept");
            }
        }
        // A table that is a factor as well has the scales of a factor.
        var weights = uses.Select(u => u.Weight).ToHashSet();
        uses.AddRange(lookups.Where(lookup => !weights.Contains(lookup.Weight)));
        weights.UnionWith(lookups.Select(u => u.Weight));
        foreach (var node in graph.Nodes)
        {
            InBodies(node, weights, reasons);
        }
        var names = new HashSet<string>();
        var layers = uses.OrderBy(u => u.Node).GroupBy(u => u.Weight)
            .Select((group, index) => Layer(graph, [.. group], index, names)).ToArray();
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

    private static QuantizableLayer Layer(Graph graph, ConstantUse[] uses, int index, HashSet<string> names)
    {
        var first = uses[0];
        var node = graph.Nodes[first.Node];
        var name = node.Name.Length == 0 ? first.Weight : WeightUse.IsRecurrent(node) ? $"{node.Name}.{"XWR"[first.Slot]}" : node.Name;
        var weight = graph.Initializers[uses[0].Weight];
        bool areAlike = uses.All(u => (u.ChannelAxis, u.Matrices) == (first.ChannelAxis, first.Matrices));
        bool isReadOnce = uses.Length == 1 && graph.Consumers(weight.Name).Count == 1;
        return new QuantizableLayer
        {
            Index = index,
            Name = names.Add(name) ? name : Unique(name, names),
            Op = node.OpType,
            Weight = first.Weight,
            Nodes = graph.Consumers(first.Weight),
            Shape = [.. weight.Dims],
            ChannelAxis = areAlike ? first.ChannelAxis : null,
            Matrices = areAlike ? first.Matrices : 1,
            HasKnownInputs = areAlike && !node.Is("Gather"),
            Groups = node.Integer("group", 1),
            Macs = uses.Sum(u => u.Macs),
            Bias = isReadOnce && first.Matrices == 1 ? Bias(graph, node, weight.Dims[first.ChannelAxis]) : null,
        };
    }

    /// <summary>The bias of a node: its own, or that of an Add behind it along the last axis.</summary>
    private static string? Bias(Graph graph, NodeProto node, long channels)
    {
        var name = Operators.Any(node.Is) ? AddedBehind(graph, node) ?? node.Operand(2) : "";
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
}
