using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// A weight whose rows have widths of their own, as it stands in the file: packed codes of every group of rows of one width, the group of
/// every row, and the scales. Calls make codes of 8 bits of each group, a Concat joins them, and one call puts rows in their order.
/// </summary>
internal static class RowEncoding
{
    /// <summary>Writes a candidate as tensors and nodes, the last of whose outputs carries the weight's own name.</summary>
    /// <param name="candidate">The codes and scales.</param>
    /// <param name="names">Names for the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static EncodedWeight Encode(Candidate candidate, TensorNames names, int opset)
    {
        var layer = candidate.Layer;
        var groups = RowGroup.Of(layer, candidate.RowBits!);
        var (tensors, nodes, parts) = (new List<TensorProto>(), new List<NodeProto>(), new List<string>());
        foreach (var (index, group) in groups.Index())
        {
            var layout = WeightLayout.Of(group.Bits, opset);
            sbyte[] codes = group.Take(layer, candidate.Codes);
            TensorProto[] planes = [.. layout.Planes.Select(plane =>
            {
                var packed = plane.Pack(codes, layout.Offset);
                return TensorData.Create(
                    Of(names, plane.GroupRole, layer, index), plane.Type, packed, plane.LiesInBytes ? [packed.Length, 1] : group.Shape);
            })];
            tensors.AddRange(planes);
            parts.Add(IsThere(group) ? planes[0].Name : Of(names, TensorRole.Group, layer, index));
            if (!IsThere(group))
            {
                var call = LocalFunctions.Call(
                    UnpackingFunctions.Name(group.Bits, Unpacking.Codes), planes.Select(plane => plane.Name), parts[^1]);
                if (layout.NeedsShape)
                {
                    call.Attribute.Add(Attribute(UnpackingFunctions.ShapeAttribute, group.Shape));
                }
                nodes.Add(call);
            }
        }
        int[] groupOf = [.. candidate.RowBits!.Select(bits => Array.FindIndex(groups, group => group.Bits == bits))];
        var order = Order(opset);
        tensors.Add(TensorData.Create(
            names.Of(TensorRole.RowGroups, layer.Index), order.Type, order.Pack([.. groupOf.Select(group => (sbyte)group)], 0),
            groupOf.Length));
        var (rows, scales) = (tensors[^1].Name, names.Of(TensorRole.WeightScales, layer.Index));
        if (!layer.CodesScalesAt(candidate.Bits))
        {
            tensors.Add(TensorData.Singles(scales, candidate.Scales, [.. layer.ScaleShape]));
        }
        var joined = names.Of(TensorRole.Joined, layer.Index);
        nodes.Add(Node("Concat", parts, joined, Attribute("axis", layer.ChannelAxis!.Value)));
        nodes.Add(LocalFunctions.Call(
            UnpackingFunctions.Name(0, Unpacking.Joining), [joined, rows, scales], layer.Weight,
            UnpackingFunctions.Axis(layer.ChannelAxis!.Value)));
        return new EncodedWeight(tensors, nodes);
    }

    /// <summary>Bytes of what <see cref="Encode"/> would make, by arithmetic.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="rowBits">Width of every row. Shape: [channels].</param>
    /// <param name="names">Names of the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static long Size(QuantizableLayer layer, IReadOnlyList<int> rowBits, TensorNames names, int opset)
    {
        var groups = RowGroup.Of(layer, rowBits);
        long bytes = 0;
        var parts = new List<string>();
        foreach (var (index, group) in groups.Index())
        {
            var layout = WeightLayout.Of(group.Bits, opset);
            string[] planes = [.. layout.Planes.Select(plane => Of(names, plane.GroupRole, layer, index))];
            foreach (var (plane, name) in layout.Planes.Zip(planes))
            {
                long packed = plane.ByteCount(group.Parameters);
                bytes += WeightSize.Initializer(name, plane.Type, plane.LiesInBytes ? [packed, 1] : group.Shape, packed);
            }
            parts.Add(IsThere(group) ? planes[0] : Of(names, TensorRole.Group, layer, index));
            if (!IsThere(group))
            {
                long shape = layout.NeedsShape ? WeightSize.Attribute(
                    UnpackingFunctions.ShapeAttribute, AttributeType.Ints,
                    group.Shape.Sum(dim => FieldSize.Number(AttributeProto.IntsFieldNumber, dim))) : 0;
                bytes += WeightSize.Node(UnpackingFunctions.Name(group.Bits, Unpacking.Codes), planes, parts[^1], isOwn: true, shape);
            }
        }
        var (rows, scales, joined) = (names.Of(TensorRole.RowGroups, layer.Index), names.Of(TensorRole.WeightScales, layer.Index),
            names.Of(TensorRole.Joined, layer.Index));
        long axis = FieldSize.Number(AttributeProto.IFieldNumber, layer.ChannelAxis!.Value);
        return bytes
            + WeightSize.Initializer(rows, Order(opset).Type, [rowBits.Count], Order(opset).ByteCount(rowBits.Count))
            + WeightSize.Scales(layer, rowBits.Max(), names)
            + WeightSize.Node("Concat", parts, joined, isOwn: false, WeightSize.Attribute("axis", AttributeType.Int, axis))
            + WeightSize.Node(
                UnpackingFunctions.Name(0, Unpacking.Joining), [joined, rows, scales], names.InFile(layer.Weight), isOwn: true,
                UnpackingFunctions.AxisSize(layer.ChannelAxis!.Value));
    }

    /// <summary>The functions that it calls.</summary>
    /// <param name="widths">Widths of its rows.</param>
    public static IEnumerable<(int Bits, Unpacking Unpacking)> Functions(IEnumerable<int> widths) =>
        widths.Where(bits => bits < 8).Distinct().Select(bits => (bits, Unpacking.Codes)).Append((0, Unpacking.Joining));

    /// <summary>How the groups of rows are written: two bits each, or a byte where there are no such types.</summary>
    private static CodePlane Order(int opset) =>
        opset >= OpsetUpgrade.TargetOpset ? new CodePlane(0, 2, DataType.Uint2) : new CodePlane(0, 8, DataType.Uint8);

    /// <summary>Whether the tensor of its codes is joined as it is.</summary>
    private static bool IsThere(RowGroup group) => group.Bits == 8;

    private static string Of(TensorNames names, char role, QuantizableLayer layer, int group) =>
        names.Of(role, (layer.Index * RowGroup.Most) + group);
}
