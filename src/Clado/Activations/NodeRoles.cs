using System.Diagnostics.CodeAnalysis;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Activations;

/// <summary>
/// Gives every node its role. A node with an integer kernel runs in integers where all its inputs come from integer kernels and somebody
/// reads integers of it. Everywhere else rounding would cost accuracy and conversions, and win nothing.
/// </summary>
internal sealed class NodeRoles
{
    // What ONNX Runtime 1.31 has an integer kernel for and fuses between QuantizeLinear and DequantizeLinear.
    private static readonly string[] IntegerOps = ["Add", "Mul", "AveragePool", "GlobalAveragePool", "Concat", "LeakyRelu", "Sigmoid"];

    // What gives values of its input, or zero, which is on every grid.
    private static readonly string[] Carriers =
    [
        "Relu", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Gather", "MaxPool", "Expand", "Tile", "Pad", "Resize",
    ];

    // Shapes, and moving elements: nobody wants to read that these stay float.
    private static readonly string[] Silent = [.. Carriers, "Split", "Identity", "Clip", "Dropout", "Cast", "Shape"];

    private const string NoKernel = "ONNX Runtime has no integer kernel for it";
    private const string TooCostly = "rounding what it reads or gives to 8 bits costs too much";

    private readonly Graph graph;
    private readonly NodeRole[] roles;
    private readonly HashSet<string> integers = [];
    private readonly Dictionary<int, string> reasons = [];

    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="floats">Kernels that compute in floats though they could in integers.</param>
    public NodeRoles(Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlySet<int> floats)
    {
        this.graph = graph;
        roles = new NodeRole[graph.Nodes.Count];
        // A weight may have other readers: bodies of loops and branches, an operator that adds it or gathers its rows.
        var layerOf = layers.SelectMany(layer => layer.Nodes.Select(node => (node, layer)))
            .Where(use => WeightUse.Slot(graph.Nodes[use.node], use.layer.Weight, use.layer.Shape.Count) >= 0)
            .DistinctBy(use => use.node).ToDictionary(use => use.node, use => use.layer);
        for (int i = 0; i < roles.Length; i++)
        {
            roles[i] = layerOf.TryGetValue(i, out var layer) ? OfLayer(i, layer) : OfOther(i);
            if (roles[i] is NodeRole.Convolution or NodeRole.Product or NodeRole.Integer && floats.Contains(i))
            {
                roles[i] = NodeRole.Float;
                reasons.Add(i, TooCostly);
            }
            if (roles[i] is not (NodeRole.Float or NodeRole.Product))
            {
                integers.Add(graph.Nodes[i].Output[0]);
            }
        }
        // From the end: what nobody reads integers of need not give any.
        for (int i = roles.Length - 1; i >= 0; i--)
        {
            if (roles[i] is NodeRole.Integer or NodeRole.Carrier && !IsReadAsIntegers(i))
            {
                Demote(i);
            }
        }
    }

    public NodeRole this[int node] => roles[node];

    /// <summary>Whether a node wants a tensor on a grid.</summary>
    public bool ReadsIntegers(int node, string tensor) => roles[node] switch
    {
        NodeRole.Convolution or NodeRole.Product or NodeRole.Carrier => graph.Nodes[node].Operand(0) == tensor,
        NodeRole.Integer => true,
        _ => false,
    };

    /// <summary>Whether a node's output is always on a grid.</summary>
    public bool WritesIntegers(int node) => roles[node] is not (NodeRole.Float or NodeRole.Product);

    /// <summary>Whether a tensor lies between a kernel and the Relu it absorbs: the grid comes behind the Relu.</summary>
    public bool IsAbsorbed(string tensor) => graph.Consumers(tensor) is [var reader] && roles[reader] == NodeRole.Absorbed;

    /// <summary>The kernels that compute in integers with a tensor: the one that makes it, and those that read it.</summary>
    /// <param name="tensor">Name of a tensor that is on a grid.</param>
    public IEnumerable<int> Kernels(string tensor)
    {
        int producer = graph.Producer(tensor);
        while (producer >= 0 && roles[producer] == NodeRole.Absorbed)
        {
            producer = graph.Producer(graph.Nodes[producer].Operand(0));
        }
        var makers = producer >= 0 && WritesIntegers(producer) ? (int[])[producer] : [];
        return graph.Consumers(tensor).Where(reader => ReadsIntegers(reader, tensor)).Concat(makers)
            .Where(node => roles[node] != NodeRole.Carrier);
    }

    /// <summary>What computes in floats, and why.</summary>
    public IReadOnlyList<KeptOperation> Kept() =>
    [
        .. graph.Nodes.Select((node, i) => (node, i))
            .Where(p => roles[p.i] == NodeRole.Float && IsFloat(p.node.Output[0]) && !Silent.Any(p.node.Is))
            .Select(p => new KeptOperation(p.node.DisplayName(), p.node.OpType, reasons.GetValueOrDefault(p.i) ?? Reason(p.node))),
    ];

    private NodeRole OfLayer(int index, QuantizableLayer layer)
    {
        var node = graph.Nodes[index];
        string? reason = node.Is("ConvTranspose") || WeightUse.IsRecurrent(node) ? NoKernel
            : node.Is("MatMul") && layer.Shape.Count > 2 ? "a batch of matrices has no integer kernel"
            : node.Operand(1) != layer.Weight || !graph.Tensors.ContainsKey(node.Operand(0)) ? "the weight is not the right factor"
            : node.Is("Gemm") && !IsPlainProduct(node) ? "it scales or transposes its input"
            : HasOddBias(node, layer) ? "its bias is computed or has another shape than one value a channel"
            : null;
        if (reason is not null)
        {
            reasons.Add(index, reason);
            return NodeRole.Float;
        }
        return node.Is("Conv") ? NodeRole.Convolution : NodeRole.Product;
    }

    private static bool IsPlainProduct(NodeProto gemm) =>
        gemm.Find("alpha") is null or { F: 1 } && gemm.Find("beta") is null or { F: 1 } && gemm.Integer("transA", 0) == 0;

    private bool HasOddBias(NodeProto node, QuantizableLayer layer)
    {
        if (node.Operand(2).Length == 0)
        {
            return false;
        }
        int rank = layer.Shape.Count;
        long channels = layer.Shape[WeightUse.ChannelAxis(node, WeightUse.Slot(node, layer.Weight, rank), rank)!.Value];
        return !(IsFloatConstant(node.Operand(2), out var bias) && bias.Dims is [var length] && length == channels);
    }

    private bool IsFloatConstant(string name, [NotNullWhen(true)] out TensorProto? tensor) =>
        graph.Initializers.TryGetValue(name, out tensor) && (DataType)tensor.DataType == DataType.Float;

    private NodeRole OfOther(int index)
    {
        var node = graph.Nodes[index];
        if (!node.IsStandard() || node.Output.Count != 1 || !IsFloat(node.Output[0]))
        {
            return NodeRole.Float;
        }
        if (node.OpType is "Relu" or "Clip" && IsAbsorbed(node))
        {
            return NodeRole.Absorbed;
        }
        if (Carriers.Contains(node.OpType) && integers.Contains(node.Operand(0)) && MovesOnly(node))
        {
            return NodeRole.Carrier;
        }
        return IntegerOps.Contains(node.OpType) && node.Operands().All(integers.Contains) ? NodeRole.Integer : NodeRole.Float;
    }

    /// <summary>Whether a Relu or Clip of constant bounds alone reads what an integer kernel makes.</summary>
    private bool IsAbsorbed(NodeProto node)
    {
        var input = node.Operand(0);
        bool isOfKernel = graph.Producer(input) is >= 0 and var producer && roles[producer] is NodeRole.Convolution or NodeRole.Integer;
        bool isReadOnce = graph.Consumers(input).Count == 1 && !graph.Outputs.Contains(input);
        return isOfKernel && isReadOnce && node.Operands().Skip(1).All(i => i.Length == 0 || graph.Initializers.ContainsKey(i));
    }

    /// <summary>Whether every value of the output is one of the input, or zero.</summary>
    private bool MovesOnly(NodeProto node) => node.OpType switch
    {
        "Resize" => node.Text("mode") is null or "nearest",
        "Pad" => node.Operand(2).Length == 0
            || (IsFloatConstant(node.Operand(2), out var value) && TensorData.ReadSingles(graph.File, value).All(v => v == 0)),
        _ => true,
    };

    private bool IsReadAsIntegers(int index)
    {
        var output = graph.Nodes[index].Output[0];
        return graph.Consumers(output).Any(reader =>
            roles[reader] == NodeRole.Absorbed ? IsReadAsIntegers(reader) : ReadsIntegers(reader, output));
    }

    private void Demote(int index)
    {
        roles[index] = NodeRole.Float;
        foreach (int reader in graph.Consumers(graph.Nodes[index].Output[0]).Where(r => roles[r] == NodeRole.Absorbed))
        {
            roles[reader] = NodeRole.Float;
        }
    }

    private bool IsFloat(string tensor) => graph.Tensors.TryGetValue(tensor, out var info) && info.Type == DataType.Float;

    private string Reason(NodeProto node) =>
        node.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul"
            ? node.Operands().Any(graph.Initializers.ContainsKey) ? "its weight stays float" : "no constant factor (both are activations)"
        : node.Is("BatchNormalization") ? $"{NoKernel}, and there is no convolution with a weight and output of its own to fold it into"
        : IntegerOps.Contains(node.OpType) ? "not all of its inputs come from integer kernels, or nobody reads integers of it"
        : NoKernel;
}
