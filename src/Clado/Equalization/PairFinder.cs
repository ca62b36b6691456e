using Clado.Calibration;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Equalization;

/// <summary>Finds the tensors whose channels may be scaled.</summary>
internal static class PairFinder
{
    private static readonly string[] Convolutions = ["Conv", "ConvTranspose"];
    private static readonly string[] Products = ["Gemm", "MatMul"];

    // Operators with f(s x) = s f(x) for every channel by itself.
    private static readonly string[] Homogeneous = ["Relu", "LeakyRelu", "Identity", "Dropout"];
    private static readonly string[] HomogeneousOverImages = ["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"];

    /// <summary>Finds the pairs.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">All its layers. Shape: [layers].</param>
    public static IReadOnlyList<ChannelPair> Find(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        // A recurrent node has two weights, and the matrices of a batch have channels of their own.
        var byNode = layers.Where(l => l.Nodes.Count == 1 && l.Matrices == 1 && Convolutions.Concat(Products).Contains(l.Op))
            .ToDictionary(l => l.Nodes[0]);
        var tensors = byNode.Values.Select(l => Activation(graph, l)).OfType<string>().Distinct();
        return [.. tensors.Select(tensor => Look(graph, tensor, byNode)).OfType<ChannelPair>()];
    }

    /// <summary>The ceiling of a Clip from 0; null for other nodes.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="node">The node.</param>
    internal static float? Ceiling(Graph graph, NodeProto node) =>
        node.Is("Clip") && Constant(graph, node.Operand(1)) is 0 && Constant(graph, node.Operand(2)) is { } ceiling and > 0
            ? ceiling
            : null;

    /// <summary>The value of a constant of one float; null for others.</summary>
    private static float? Constant(Graph graph, string name) =>
        graph.Initializers.TryGetValue(name, out var value) && IsFloat(value) && TensorData.ReadSingles(graph.File, value) is [float single]
            ? single
            : null;

    /// <summary>The tensor a layer reads, where its channels are the layer's input channels.</summary>
    private static string? Activation(Graph graph, QuantizableLayer layer)
    {
        var node = graph.Nodes[layer.Nodes[0]];
        bool isFirst = WeightUse.Slot(node, layer.Weight, layer.Shape.Count) == 1 && node.Integer("transA", 0) == 0;
        return isFirst ? InputRows.Tensor(node, layer) : null;
    }

    private static ChannelPair? Look(Graph graph, string tensor, Dictionary<int, QuantizableLayer> byNode)
    {
        bool IsReader(int node) => byNode.TryGetValue(node, out var layer) && Activation(graph, layer) == tensor;
        if (graph.Outputs.Contains(tensor) || !graph.Consumers(tensor).All(IsReader))
        {
            return null;
        }
        QuantizableLayer[] consumers = [.. graph.Consumers(tensor).Select(n => byNode[n])];
        bool overImages = consumers.All(c => Convolutions.Contains(c.Op));
        if (!overImages && !consumers.All(c => Products.Contains(c.Op)))
        {
            return null;
        }
        int[] counts = [.. consumers.Select(c => WeightMatrix.Of(c) is var m ? m.Groups * m.InputChannels : 0).Distinct()];
        var (source, clip) = Source(graph, tensor, overImages);
        return source >= 0 && counts is [int channels] && Producers(graph, source, channels, overImages, byNode) is { } producers
            ? new ChannelPair { Tensor = tensor, Channels = channels, Producers = producers, Consumers = consumers, Clip = clip }
            : null;
    }

    /// <summary>
    /// The node that computes the channels: the first, going back from the tensor, whose operator is not homogeneous.
    /// -1 where another node reads a tensor in between.
    /// </summary>
    private static (int Node, int? Clip) Source(Graph graph, string tensor, bool overImages)
    {
        int? clip = null;
        for (int at = graph.Producer(tensor); at >= 0; at = graph.Producer(tensor))
        {
            var node = graph.Nodes[at];
            bool passes = Homogeneous.Any(node.Is) || (overImages && HomogeneousOverImages.Any(node.Is));
            if (!passes && !(clip is null && overImages && Ceiling(graph, node) is not null))
            {
                return (at, clip);
            }
            clip = passes ? clip : at;
            tensor = node.Operand(0);
            if (graph.Consumers(tensor).Count != 1 || graph.Outputs.Contains(tensor))
            {
                break;
            }
        }
        return (-1, null);
    }

    /// <summary>The constants that a node computes the channels with; null where there are others than can be scaled.</summary>
    private static ChannelConstant[]? Producers(
        Graph graph, int source, int channels, bool overImages, Dictionary<int, QuantizableLayer> byNode)
    {
        var node = graph.Nodes[source];
        if (!overImages && node.Is("Add"))
        {
            return OfSum(graph, node, channels, byNode);
        }
        if (!overImages && node.Is("LayerNormalization"))
        {
            return OfNormalization(graph, node, channels);
        }
        return byNode.TryGetValue(source, out var layer)
            && (overImages ? Convolutions : Products).Contains(layer.Op)
            && (layer.Op != "ConvTranspose" || layer.Groups == 1)
            && (node.Operand(2).Length == 0 || layer.Bias == node.Operand(2))
            ? Constants(layer, channels)
            : null;
    }

    /// <summary>The constants of a product whose bias is added by a node of its own.</summary>
    private static ChannelConstant[]? OfSum(Graph graph, NodeProto node, int channels, Dictionary<int, QuantizableLayer> byNode)
    {
        int product = node.Operands().Select(graph.Producer).Max();
        return product >= 0 && byNode.TryGetValue(product, out var layer) && layer.Bias is { } bias && node.Operands().Contains(bias)
            ? Constants(layer, channels)
            : null;
    }

    /// <summary>The scale and the bias of a normalization over the channels.</summary>
    private static ChannelConstant[]? OfNormalization(Graph graph, NodeProto node, int channels)
    {
        string[] constants = [.. node.Operands().Skip(1).Where(name => name.Length > 0)];
        long axis = node.Integer("axis", -1);
        bool overChannels = axis == -1 || axis == graph.Tensors[node.Operand(0)].Shape.Count - 1;
        return overChannels && node.Output.Count == 1 && constants.All(name => IsOwn(graph, name, channels))
            ? [.. constants.Select(name => new ChannelConstant(name, 1))]
            : null;
    }

    private static ChannelConstant[]? Constants(QuantizableLayer layer, int channels) => layer.ChannelCount != channels ? null
        : layer.Bias is null ? [new(layer.Weight, layer.ChannelStride)]
        : [new(layer.Weight, layer.ChannelStride), new(layer.Bias, 1)];

    /// <summary>Whether a name is a constant with a value for each channel that no other node reads.</summary>
    private static bool IsOwn(Graph graph, string name, int channels) => graph.Initializers.TryGetValue(name, out var tensor)
        && IsFloat(tensor) && tensor.Dims is [var size] && size == channels && graph.Consumers(name).Count == 1;

    private static bool IsFloat(TensorProto tensor) => tensor.DataType == (int)TensorProto.Types.DataType.Float;
}
