using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Packing;

/// <summary>A quantized weight as it stands in the file.</summary>
/// <param name="Initializers">Planes of packed codes, lowest bits first, then the scales. Shape: [planes + 1].</param>
/// <param name="Node">The call that makes the float weight of them.</param>
internal sealed record EncodedWeight(IReadOnlyList<TensorProto> Initializers, NodeProto Node);

/// <summary>
/// Packs codes at their width (<see cref="WeightLayout"/>). A function of the model (<see cref="UnpackingFunctions"/>) makes weights of
/// them again. <see cref="WeightSize"/> tells the bytes beforehand.
/// </summary>
internal static class WeightEncoding
{
    /// <summary>Writes a candidate as tensors and a node whose output carries the weight's own name.</summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    /// <param name="unpacking">What unpacks it.</param>
    public static EncodedWeight Encode(
        Candidate candidate, TensorNames names, int opset, Unpacking unpacking = Unpacking.ForKernels)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(names);
        var layer = candidate.Layer;
        var layout = WeightLayout.Of(candidate.Bits, opset);
        long[] shape = [.. layer.Shape];
        var tensors = layout.Planes.Select(plane =>
        {
            var packed = plane.Pack(candidate.Codes, layout.Offset);
            return TensorData.Create(names.Of(plane.Role, layer.Index), plane.Type, packed, plane.LiesInBytes ? [packed.Length, 1] : shape);
        }).ToList();
        long[] scalesShape = layer.ChannelAxis is null ? [] : [candidate.Scales.Length];
        tensors.Add(TensorData.Singles(names.Of(TensorRole.WeightScales, layer.Index), candidate.Scales, scalesShape));
        var axis = Attribute(UnpackingFunctions.AxisAttribute, layer.ChannelAxis ?? 0);
        var node = LocalFunctions.Call(UnpackingFunctions.Name(candidate.Bits, unpacking), tensors.Select(t => t.Name), layer.Weight, axis);
        if (layout.NeedsShape)
        {
            node.Attribute.Add(Attribute(UnpackingFunctions.ShapeAttribute, shape));
        }
        return new EncodedWeight(tensors, node);
    }
}
