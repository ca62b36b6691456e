using System.Runtime.InteropServices;
using Clado.Graphs;
using Clado.Onnx;
using Google.Protobuf;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Candidates;

/// <summary>Names for a layer's packed tensors: short, since the file pays for them, and used by nothing else in the graph.</summary>
public sealed class WeightNames
{
    private readonly string prefix = "";

    /// <summary>Finds names that the graph does not use.</summary>
    /// <param name="graph">The network.</param>
    public WeightNames(Graph graph)
    {
        var taken = graph.Tensors.Keys.Concat(graph.Initializers.Keys).ToArray();
        while (taken.Any(name => IsOurs(name.AsSpan())))
        {
            prefix += "_";
        }
    }

    /// <summary>Name of a part of a layer's weight.</summary>
    /// <param name="role">One letter for the part.</param>
    /// <param name="layer">Index of the layer.</param>
    public string Of(char role, int layer) => $"{prefix}{role}{layer}";

    private bool IsOurs(ReadOnlySpan<char> name) =>
        name.StartsWith(prefix) && name.Length > prefix.Length + 1 && !name[(prefix.Length + 1)..].ContainsAnyExceptInRange('0', '9');
}

/// <summary>A quantized weight as it stands in the file.</summary>
/// <param name="Initializers">Packed codes and scales. Shape: [planes + 1].</param>
/// <param name="Node">Makes the float weight of them.</param>
public sealed record EncodedWeight(IReadOnlyList<TensorProto> Initializers, NodeProto Node)
{
    /// <summary>Bytes these add to the graph message: each with its tag (field numbers below 16 take one byte) and its length.</summary>
    public long SizeBytes => Initializers.Sum(t => Field(t)) + Field(Node);

    internal static long Field(IMessage message) => 1 + CodedOutputStream.ComputeMessageSize(message);
}

/// <summary>
/// Packs codes at their width. 2, 4 and 8 bits are ONNX types; 3, 5, 6 and 7 bits are split into planes of 4, 2 and 1 bits
/// (<see cref="BitPlanes"/>), which a function of the model puts together again.
/// </summary>
public static class WeightEncoding
{
    /// <summary>Writes a candidate as tensors and a node whose output carries the weight's own name.</summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    public static EncodedWeight Encode(Candidate candidate, WeightNames names)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(names);
        var layer = candidate.Layer;
        var scales = TensorData.Singles(names.Of('s', layer.Index), candidate.Scales, candidate.Scales.Length);
        long[] shape = [.. layer.Shape];
        var codes = candidate.Bits switch
        {
            8 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int8, MemoryMarshal.AsBytes(candidate.Codes.AsSpan()), shape)],
            4 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int4, BitPlanes.Pack(candidate.Codes, 0, 4), shape)],
            2 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int2, BitPlanes.Pack(candidate.Codes, 0, 2), shape)],
            _ => BitPlanes.Split(candidate, names),
        };
        var axis = Attribute("axis", layer.ChannelAxis);
        var inputs = codes.Append(scales).Select(t => t.Name);
        NodeProto node;
        if (candidate.Bits is 2 or 4 or 8)
        {
            node = Node("DequantizeLinear", inputs, layer.Weight, axis);
        }
        else
        {
            node = Node(BitPlanes.FunctionName(candidate.Bits), inputs, layer.Weight, axis);
            node.Domain = BitPlanes.Domain;
        }
        return new EncodedWeight([.. codes, scales], node);
    }
}
