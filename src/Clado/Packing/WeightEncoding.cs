using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using Google.Protobuf;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

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
/// Packs codes at their width. 2, 4 and 8 bits are ONNX types at opset 25; all other widths are split into planes of 4, 2 and 1 bits, and before opset 25 all below 8 are.
/// A function of the model (<see cref="BitPlanes"/>) makes weights of them again.
/// </summary>
public static class WeightEncoding
{
    /// <summary>Writes a candidate as tensors and a node whose output carries the weight's own name.</summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static EncodedWeight Encode(Candidate candidate, TensorNames names, int opset)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(names);
        var layer = candidate.Layer;
        var scales = TensorData.Singles(names.Of('s', layer.Index), candidate.Scales, layer.ChannelAxis is null ? [] : [candidate.Scales.Length]);
        long[] shape = [.. layer.Shape];
        var codes = candidate.Bits switch
        {
            var bits when BitPlanes.Planes(bits, opset).Length > 0 => BitPlanes.Split(candidate, names, opset),
            8 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int8, BitPlanes.Pack(candidate.Codes, 0, 8), shape)],
            4 => [TensorData.Create(names.Of('q', layer.Index), DataType.Int4, BitPlanes.Pack(candidate.Codes, 0, 4), shape)],
            _ => [TensorData.Create(names.Of('q', layer.Index), DataType.Int2, BitPlanes.Pack(candidate.Codes, 0, 2), shape)],
        };
        var inputs = codes.Append(scales).Select(t => t.Name);
        var node = LocalFunctions.Call(BitPlanes.FunctionName(candidate.Bits), inputs, layer.Weight, Attribute("axis", layer.ChannelAxis ?? 0));
        if (BitPlanes.NeedShape(candidate.Bits, opset))
        {
            node.Attribute.Add(Attribute(BitPlanes.ShapeAttribute, shape));
        }
        return new EncodedWeight([.. codes, scales], node);
    }

    /// <summary>The same candidates with what they cost in a file of the graph's opset, whatever they were made for.</summary>
    /// <param name="candidates">The candidates.</param>
    /// <param name="graph">The network.</param>
    internal static CandidateSet WrittenFor(this CandidateSet candidates, Graph graph)
    {
        var names = new TensorNames(graph);
        return new CandidateSet(candidates.Layers, [.. candidates.Items.Select(c => c with { SizeBytes = Encode(c, names, graph.Opset).SizeBytes })]);
    }
}
