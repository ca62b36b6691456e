using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Activations;

/// <summary>A tensor that is put on an 8-bit grid.</summary>
/// <param name="Name">Name of the tensor in the float network.</param>
/// <param name="Range">Index of its range; tensors that only move elements about share that of what they move.</param>
/// <param name="Readers">Indices of the nodes that read the rounded values; null where all do. Shape: [readers].</param>
internal sealed record QuantizedTensor(string Name, int Range, IReadOnlyList<int>? Readers);

/// <summary>A node with quantized weights that computes in integers.</summary>
/// <param name="Node">Index of the node.</param>
/// <param name="Layer">Its layer.</param>
/// <param name="InputRange">Index of the range of its input.</param>
/// <param name="Bias">Name of its bias, written as 32-bit integers; null where it has none.</param>
internal sealed record IntegerNode(int Node, QuantizableLayer Layer, int InputRange, string? Bias)
{
    /// <summary>Name of the constant that is the scale of that range; null where it is not there yet.</summary>
    public string? InputScale { get; init; }
}

/// <summary>
/// Which tensors of a network are put on 8-bit grids, so that ONNX Runtime's CPU provider fuses every node between two of them to an
/// integer kernel (QLinearConv, QGemm, MatMulIntegerToFloat, QLinearAdd, …). It follows from the graph, and from which nodes shall compute
/// in floats though they need not: ranges do not change it, nor the file's size.
/// </summary>
internal sealed record ActivationPlan
{
    /// <summary>The tensors, in order of execution. Shape: [tensors].</summary>
    public required IReadOnlyList<QuantizedTensor> Tensors { get; init; }

    /// <summary>The nodes with weights that compute in integers. Shape: [nodes].</summary>
    public required IReadOnlyList<IntegerNode> Nodes { get; init; }

    /// <summary>
    /// The nodes that compute in floats, with the reason; those that only move elements or compute shapes are left out. Shape: [kept].
    /// </summary>
    public required IReadOnlyList<KeptOperation> Kept { get; init; }

    /// <summary>The nodes that compute in integers with each range: they make or read a tensor of it. Shape: [ranges][nodes].</summary>
    public required IReadOnlyList<IReadOnlySet<int>> Kernels { get; init; }

    /// <summary>Indices of the nodes that compute in floats though they could in integers.</summary>
    public required IReadOnlySet<int> Floats { get; init; }

    /// <summary>Whether the grids are those that the network has of its own.</summary>
    public bool AreKept { get; init; }

    /// <summary>Layers, and what stays float: not the biases that are written as integers.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="found">What was found in it.</param>
    public LayerSet Written(Graph graph, LayerSet found)
    {
        var integers = Nodes.Where(node => node.Bias is not null).GroupBy(node => node.Bias!, node => node.Node)
            .Where(bias => graph.Consumers(bias.Key).All(bias.Contains)).Select(bias => bias.Key).ToHashSet();
        return found with { Kept = [.. found.Kept.Where(kept => kept.Constant is not { } name || !integers.Contains(name))] };
    }

    /// <summary>The tensor that each range is measured on. Shape: [ranges].</summary>
    public IReadOnlyList<string> Ranges => [.. Tensors.DistinctBy(t => t.Range).OrderBy(t => t.Range).Select(t => t.Name)];

    /// <summary>The plan of what is written; null where activations stay floats.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="format">What activations are in the file.</param>
    public static ActivationPlan? Of(Graph graph, IReadOnlyList<QuantizableLayer> layers, ActivationFormat format) => format switch
    {
        ActivationFormat.Float => null,
        ActivationFormat.Keep => KeptGrids.Of(graph, layers).Plan,
        _ => Of(graph, layers),
    };

    /// <summary>Makes the plan.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="floats">Indices of nodes that compute in floats though they could in integers; null for none.</param>
    public static ActivationPlan Of(Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlySet<int>? floats = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(layers);
        floats ??= new HashSet<int>();
        var roles = new NodeRoles(graph, layers, floats);
        var ranges = new Dictionary<string, int>();
        var tensors = QuantizedTensors(graph, roles, ranges);
        bool IsInteger(QuantizableLayer layer, int node) =>
            roles[node] is NodeRole.Convolution or NodeRole.Product
            && WeightUse.Slot(graph.Nodes[node], layer.Weight, layer.Shape.Count) >= 0;
        IntegerNode Integer(QuantizableLayer layer, int node)
        {
            var bias = graph.Nodes[node].Operand(2);
            return new IntegerNode(node, layer, ranges[graph.Nodes[node].Operand(0)], bias.Length > 0 ? bias : null);
        }
        var nodes = layers.SelectMany(layer => layer.Nodes.Where(node => IsInteger(layer, node)).Select(node => Integer(layer, node)));
        return new ActivationPlan
        {
            Tensors = tensors,
            Nodes = [.. nodes],
            Kept = roles.Kept(),
            Floats = floats,
            Kernels =
            [
                .. tensors.GroupBy(tensor => tensor.Range).OrderBy(range => range.Key)
                    .Select(range => range.SelectMany(tensor => roles.Kernels(tensor.Name)).ToHashSet()),
            ],
        };
    }

    /// <summary>The tensors that go on grids; fills the range of each.</summary>
    private static List<QuantizedTensor> QuantizedTensors(Graph graph, NodeRoles roles, Dictionary<string, int> ranges)
    {
        var tensors = new List<QuantizedTensor>();
        var inputs = graph.Inputs.Names.Order(StringComparer.Ordinal).Select(name => (name, -1));
        var made = graph.Nodes.SelectMany((node, i) => node.Output.Where(o => o.Length > 0).Select(o => (o, i)));
        foreach (var (name, producer) in inputs.Concat(made))
        {
            var readers = graph.Consumers(name).Where(reader => roles.ReadsIntegers(reader, name)).ToArray();
            if (producer >= 0 && roles.WritesIntegers(producer) ? roles.IsAbsorbed(name) : readers.Length == 0)
            {
                continue;
            }
            int next = ranges.Values.DefaultIfEmpty(-1).Max() + 1;
            int range = producer >= 0 && roles[producer] == NodeRole.Carrier ? ranges[graph.Nodes[producer].Operand(0)] : next;
            ranges.Add(name, range);
            bool integers = producer >= 0 && roles[producer] is not NodeRole.Float;
            tensors.Add(new QuantizedTensor(name, range, integers ? null : readers));
        }
        return tensors;
    }
}
