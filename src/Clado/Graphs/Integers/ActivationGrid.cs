using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs.Integers;

/// <summary>A grid that activations are rounded to. Grids of the same numbers are equal, whatever their constants are called.</summary>
/// <param name="Scale">Name of its scale: of the first constant with these values, or of the tensor it is found as.</param>
/// <param name="ZeroPoint">The same of its zero point; empty for 0.</param>
/// <param name="Axis">Axis of the channels where each has a scale of its own, else 0.</param>
/// <param name="IsFound">Whether scale and zero point are found while the network runs.</param>
internal sealed record ActivationGrid(string Scale, string ZeroPoint, long Axis = 0, bool IsFound = false)
{
    private static readonly DataType[] Integers =
    [
        DataType.Int2, DataType.Uint2, DataType.Int4, DataType.Uint4, DataType.Int8, DataType.Uint8, DataType.Int16, DataType.Uint16,
    ];

    /// <summary>The grid of a QuantizeLinear or DequantizeLinear; null where it is not constant, or has scales of blocks.</summary>
    /// <param name="node">The node.</param>
    /// <param name="constants">Constants of the graph.</param>
    public static ActivationGrid? Of(NodeProto node, GridConstants constants)
    {
        var (scale, zeroPoint) = (node.Operand(1), node.Operand(2));
        bool isConstant = constants.Find(scale) is { DataType: (int)DataType.Float }
            && (zeroPoint.Length == 0 || constants.Find(zeroPoint) is { } point && Integers.Contains((DataType)point.DataType));
        return isConstant && node.Integer("block_size", 0) == 0
            ? new ActivationGrid(
                constants.Same(scale), constants.IsZero(zeroPoint) ? "" : constants.Same(zeroPoint),
                constants.IsByChannel(scale) ? node.Integer("axis", 1) : 0)
            : null;
    }

    /// <summary>Bits of the codes that a QuantizeLinear gives.</summary>
    /// <param name="node">The node.</param>
    /// <param name="zeroPoint">Its zero point, or null.</param>
    public static int Bits(NodeProto node, TensorProto? zeroPoint) => TypeOf(node, zeroPoint) switch
    {
        DataType.Int2 or DataType.Uint2 => 2,
        DataType.Int4 or DataType.Uint4 => 4,
        DataType.Int16 or DataType.Uint16 => 16,
        _ => 8,
    };

    /// <summary>The lowest and the highest code that a QuantizeLinear gives.</summary>
    /// <param name="node">The node.</param>
    /// <param name="zeroPoint">Its zero point, or null.</param>
    public static (long Lowest, long Highest) Range(NodeProto node, TensorProto? zeroPoint)
    {
        int bits = Bits(node, zeroPoint);
        bool isSigned = TypeOf(node, zeroPoint) is DataType.Int2 or DataType.Int4 or DataType.Int8 or DataType.Int16;
        long lowest = isSigned ? -(1L << (bits - 1)) : 0;
        return (lowest, lowest + (1L << bits) - 1);
    }

    private static DataType TypeOf(NodeProto node, TensorProto? zeroPoint) =>
        zeroPoint is not null ? (DataType)zeroPoint.DataType
        : node.Integer("output_dtype", 0) is > 0 and var type ? (DataType)type
        : DataType.Uint8;
}
