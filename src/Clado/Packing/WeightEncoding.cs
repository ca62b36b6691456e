using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Packing;

/// <summary>A quantized weight as it stands in the file.</summary>
/// <param name="Initializers">
/// Planes of packed codes, lowest bits first, then the scales, unless those of all layers are in one tensor. Shape: [tensors].
/// </param>
/// <param name="Nodes">The call that makes the float weight of them, and what multiplies it by the scales of several matrices.</param>
internal sealed record EncodedWeight(IReadOnlyList<TensorProto> Initializers, IReadOnlyList<NodeProto> Nodes);

/// <summary>
/// Packs codes at their width (<see cref="WeightLayout"/>). A function of the model (<see cref="UnpackingFunctions"/>) makes weights of
/// them again. <see cref="WeightSize"/> tells the bytes beforehand.
/// </summary>
internal static class WeightEncoding
{
    /// <summary>
    /// Writes a candidate as tensors and nodes, the last of whose outputs carries the weight's own name. DequantizeLinear knows scales
    /// along one axis: where every matrix of a batch has its own, it has the scale 1, and a Mul the others.
    /// </summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    /// <param name="unpacking">What unpacks it.</param>
    public static EncodedWeight Encode(
        Candidate candidate, TensorNames names, int opset, Unpacking unpacking = Unpacking.ForKernels)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(names);
        if (!candidate.IsWhole)
        {
            return RowEncoding.Encode(candidate, names, opset);
        }
        var layer = candidate.Layer;
        var layout = WeightLayout.Of(candidate.Bits, opset);
        long[] shape = [.. layer.Shape];
        var tensors = layout.Planes.Select(plane =>
        {
            var packed = plane.Pack(candidate.Codes, layout.Offset);
            return TensorData.Create(names.Of(plane.Role, layer.Index), plane.Type, packed, plane.LiesInBytes ? [packed.Length, 1] : shape);
        }).ToList();
        var scales = names.Of(TensorRole.WeightScales, layer.Index);
        bool isPlain = layer.Matrices == 1;
        if (!isPlain)
        {
            tensors.Add(TensorData.Singles(names.Of(TensorRole.UnitScale, layer.Index), [1]));
        }
        var inputs = tensors.Select(t => t.Name).Concat(isPlain ? [scales] : (string[])[]).ToArray();
        if (!layer.CodesScalesAt(candidate.Bits))
        {
            tensors.Add(TensorData.Singles(scales, candidate.Scales, [.. layer.ScaleShape]));
        }
        var made = isPlain ? layer.Weight : names.Of(TensorRole.UnscaledWeight, layer.Index);
        var call = LocalFunctions.Call(
            UnpackingFunctions.Name(candidate.Bits, unpacking), inputs, made, UnpackingFunctions.Axis(layer.ChannelAxis ?? 0));
        if (layout.NeedsShape)
        {
            call.Attribute.Add(Attribute(UnpackingFunctions.ShapeAttribute, shape));
        }
        return new(tensors, isPlain ? [call] : [call, Node("Mul", [made, scales], layer.Weight)]);
    }
}
