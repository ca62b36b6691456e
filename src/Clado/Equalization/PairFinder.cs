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

    // f(s x) = s f(x) for every channel by itself.
    private static readonly string[] Homogeneous = ["Relu", "LeakyRelu", "Identity", "Dropout"];
    private static readonly string[] HomogeneousOverImages = ["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"];

    /// <summary>Finds the pairs.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">All its layers. Shape: [layers].</param>
    public static IReadOnlyList<ChannelPair> Find(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        var byNode = layers.Where(l => l.Nodes.Count == 1).ToDictionary(l => l.Nodes[0]);
        return [.. byNode.Values.Select(l => Activation(graph, l)).OfType<string>().Distinct().Select(t => Look(graph, t, byNode)).OfType<ChannelPair>()];
    }

    /// <summary>The tensor a layer reads, where its channels are the layer's input channels.</summary>
    private static string? Activation(Graph graph, QuantizableLayer layer)
    {
        var node = graph.Nodes[layer.Nodes[0]];
        return InputRows.ActivationSlot(node, layer) == 0 && node.Integer("transA", 0) == 0 ? node.Operand(0) : null;
    }

    private static ChannelPair? Look(Graph graph, string tensor, Dictionary<int, QuantizableLayer> byNode)
    {
        if (graph.Outputs.Contains(tensor) || !graph.Consumers(tensor).All(n => byNode.TryGetValue(n, out var layer) && Activation(graph, layer) == tensor))
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

    /// <summary>The node that makes the channels, behind operators that leave factors alone; -1 where others read what is between.</summary>
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

    /// <summary>The ceiling of a Clip from 0; null for other nodes.</summary>
    internal static float? Ceiling(Graph graph, NodeProto node)
    {
        float? Constant(int slot) => graph.Initializers.TryGetValue(node.Operand(slot), out var value) && value.DataType == (int)TensorProto.Types.DataType.Float
            ? TensorData.ReadSingles(graph.File, value) is [float single] ? single : null
            : null;
        return node.Is("Clip") && Constant(1) is 0 && Constant(2) is { } ceiling and > 0 ? ceiling : null;
    }

    private static ChannelConstant[]? Producers(Graph graph, int source, int channels, bool overImages, Dictionary<int, QuantizableLayer> byNode)
    {
        var node = graph.Nodes[source];
        // A bias is added behind the product by a node of its own.
        if (node.Is("Add") && !overImages)
        {
            int product = node.Operands().Select(graph.Producer).Max();
            return product >= 0 && byNode.TryGetValue(product, out var added) && added.Bias is { } bias && node.Operands().Contains(bias) ? Constants(added, channels) : null;
        }
        if (node.Is("LayerNormalization") && !overImages)
        {
            return node.Integer("axis", -1) is var axis && (axis == -1 || axis == graph.Tensors[node.Operand(0)].Shape.Count - 1) && node.Output.Count == 1
                && node.Operands().Skip(1).Where(i => i.Length > 0).All(i => IsOwn(graph, i, channels))
                ? [.. node.Operands().Skip(1).Where(i => i.Length > 0).Select(i => new ChannelConstant(i, 1))]
                : null;
        }
        return byNode.TryGetValue(source, out var layer) && (overImages ? Convolutions : Products).Contains(layer.Op) && (layer.Op != "ConvTranspose" || layer.Groups == 1)
            && (node.Operand(2).Length == 0 || layer.Bias == node.Operand(2))
            ? Constants(layer, channels)
            : null;
    }

    private static ChannelConstant[]? Constants(QuantizableLayer layer, int channels) => layer.ChannelCount != channels ? null
        : layer.Bias is null ? [new(layer.Weight, layer.ChannelStride)]
        : [new(layer.Weight, layer.ChannelStride), new(layer.Bias, 1)];

    private static bool IsOwn(Graph graph, string name, int channels) => graph.Initializers.TryGetValue(name, out var tensor)
        && tensor.DataType == (int)TensorProto.Types.DataType.Float && tensor.Dims is [var size] && size == channels && graph.Consumers(name).Count == 1;
}
