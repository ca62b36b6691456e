using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// What a layer's quantized weight adds to the file, by arithmetic: the bytes of what <see cref="WeightEncoding"/> would make, without
/// making it. They follow from shapes and names alone. In protobuf every length counts twice: by itself, and by its digits.
/// </summary>
internal static class WeightSize
{
    /// <summary>Bytes that planes, scales and the call of the unpacking function add to the graph.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <param name="names">Names of the tensors.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static long Of(QuantizableLayer layer, int bits, TensorNames names, int opset)
    {
        var layout = WeightLayout.Of(bits, opset);
        long bytes = Scales(layer, bits, names) + Call(layer, layout, names);
        foreach (var plane in layout.Planes)
        {
            long packed = plane.ByteCount(layer.Parameters);
            bytes += Initializer(names.Of(plane.Role, layer.Index), plane.Type, plane.LiesInBytes ? [packed, 1] : layer.Shape, packed);
        }
        return bytes;
    }

    /// <summary>The same candidates with what they cost in a file of the graph's opset, whatever they were made for.</summary>
    /// <param name="candidates">The candidates.</param>
    /// <param name="graph">The network.</param>
    public static CandidateSet WrittenFor(this CandidateSet candidates, Graph graph)
    {
        var names = new TensorNames(graph);
        var items = candidates.Items.Select(c => c with
        {
            SizeBytes = c.RowBits is { } rows
                ? RowEncoding.Size(c.Layer, rows, names, graph.Opset)
                : Of(c.Layer, c.Bits, names, graph.Opset),
        });
        return new CandidateSet(candidates.Layers, [.. items]);
    }

    /// <summary>Bytes of a layer's scales by themselves, and what multiplies by those of several matrices.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bits">Bits a weight, of the widest row. Range: [2, 8].</param>
    /// <param name="names">Names of the tensors.</param>
    public static long Scales(QuantizableLayer layer, int bits, TensorNames names)
    {
        if (layer.CodesScalesAt(bits))
        {
            // Those of all layers are in one tensor, which every file has (SharedConstants).
            return 0;
        }
        var name = names.Of(TensorRole.WeightScales, layer.Index);
        long bytes = Initializer(name, DataType.Float, layer.ScaleShape, (long)layer.ChannelCount * sizeof(float));
        return layer.Matrices == 1 ? bytes : bytes + Multiplication(layer, name, names);
    }

    /// <summary>What multiplies by the scales of several matrices, and the scale 1 in their place.</summary>
    private static long Multiplication(QuantizableLayer layer, string scales, TensorNames names) =>
        Initializer(names.Of(TensorRole.UnitScale, layer.Index), DataType.Float, [], sizeof(float))
        + Node(
            "Mul", [names.Of(TensorRole.UnscaledWeight, layer.Index), scales], names.InFile(layer.Weight), isOwn: false, attributeBytes: 0);

    /// <summary>Bytes of a tensor.</summary>
    public static long Initializer(string name, DataType type, IReadOnlyList<long> dims, long bytes) => FieldSize.Bytes(
        GraphProto.InitializerFieldNumber,
        dims.Sum(dim => FieldSize.Number(TensorProto.DimsFieldNumber, dim))
        + FieldSize.Number(TensorProto.DataTypeFieldNumber, (long)type)
        + FieldSize.Text(TensorProto.NameFieldNumber, name)
        + FieldSize.Bytes(TensorProto.RawDataFieldNumber, bytes));

    private static long Call(QuantizableLayer layer, WeightLayout layout, TensorNames names)
    {
        var (scales, made) = layer.Matrices == 1
            ? (TensorRole.WeightScales, names.InFile(layer.Weight))
            : (TensorRole.UnitScale, names.Of(TensorRole.UnscaledWeight, layer.Index));
        var inputs = layout.Planes.Select(plane => plane.Role).Append(scales).Select(role => names.Of(role, layer.Index));
        long shape = layer.Shape.Sum(dim => FieldSize.Number(AttributeProto.IntsFieldNumber, dim));
        return Node(
            UnpackingFunctions.Name(layout.Bits), inputs, made, isOwn: true,
            UnpackingFunctions.AxisSize(layer.ChannelAxis ?? 0)
            + (layout.NeedsShape ? Attribute(UnpackingFunctions.ShapeAttribute, AttributeType.Ints, shape) : 0));
    }

    /// <summary>Bytes of a node with one output.</summary>
    /// <param name="op">Its operator.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="output">Its output.</param>
    /// <param name="isOwn">Whether it calls a function of the model.</param>
    /// <param name="attributeBytes">Bytes of its attributes.</param>
    public static long Node(string op, IEnumerable<string> inputs, string output, bool isOwn, long attributeBytes) => FieldSize.Bytes(
        GraphProto.NodeFieldNumber,
        inputs.Sum(input => FieldSize.Text(NodeProto.InputFieldNumber, input))
        + FieldSize.Text(NodeProto.OutputFieldNumber, output)
        + FieldSize.Text(NodeProto.OpTypeFieldNumber, op)
        + (isOwn ? FieldSize.Text(NodeProto.DomainFieldNumber, LocalFunctions.Domain) : 0)
        + attributeBytes);

    /// <summary>Bytes of an attribute of a node.</summary>
    public static long Attribute(string name, AttributeType type, long valueBytes) => FieldSize.Bytes(
        NodeProto.AttributeFieldNumber,
        FieldSize.Text(AttributeProto.NameFieldNumber, name) + FieldSize.Number(AttributeProto.TypeFieldNumber, (long)type) + valueBytes);
}
