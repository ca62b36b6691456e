using Clado.Graphs;
using Clado.Onnx;
using Google.Protobuf;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Candidates;

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
/// Packs codes at their width. 2, 4 and 8 bits are ONNX types; 3, 5, 6 and 7 bits are split into planes of 4, 2 and 1 bits. A function of the model
/// (<see cref="BitPlanes"/>) makes weights of them again.
/// </summary>
public static class WeightEncoding
{
    /// <summary>Writes a candidate as tensors and a node whose output carries the weight's own name.</summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    public static EncodedWeight Encode(Candidate candidate, TensorNames names)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(names);
        var layer = candidate.Layer;
        var scales = TensorData.Singles(names.Of('s', layer.Index), candidate.Scales, candidate.Scales.Length);
        long[] shape = [.. layer.Shape];
        var codes = candidate.Bits switch
        {
            8 => [TensorData.Create(names.Of('q', layer.Index), DataType.Uint8, BitPlanes.Pack(candidate.Codes, 0, 8, 1 << 7), shape)],
            4 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int4, BitPlanes.Pack(candidate.Codes, 0, 4), shape)],
            2 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int2, BitPlanes.Pack(candidate.Codes, 0, 2), shape)],
            _ => BitPlanes.Split(candidate, names),
        };
        var axis = Attribute("axis", layer.ChannelAxis);
        var inputs = codes.Append(scales).Select(t => t.Name);
        var node = LocalFunctions.Call(BitPlanes.FunctionName(candidate.Bits), inputs, layer.Weight, axis);
        return new EncodedWeight([.. codes, scales], node);
    }
}
