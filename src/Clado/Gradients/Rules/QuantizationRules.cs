using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients.Rules;

/// <summary>
/// Rounding to integers goes straight through: as if nothing were rounded, but for what is clipped, whose gradient is zero. The gradient by
/// codes is one by real numbers. Scales get theirs as the codes' rounding leaves it: together that of q s − x by s, as LSQ has it
/// (arXiv 1902.08153).
/// </summary>
internal static class QuantizationRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new()
    {
        ["QuantizeLinear"] = Quantize,
        ["DequantizeLinear"] = Dequantize,
    };

    private static void Quantize(LocalGradient at)
    {
        at.GiveNothing(2);
        var (low, high) = Range(at.OutputShape().Type) ?? throw at.Refused("its codes are no integers of up to 16 bits");
        var scale = Spread(at, 1);
        var place = at.X(0) / scale;
        var code = at.Has(2) ? place + Spread(at, 2).ToFloat() : place;
        // Half a step beyond the last code still rounds to it.
        var isWithin = (code > low - 0.5f) & (code < high + 0.5f);
        var passed = isWithin.Keep(at.G / scale);
        at.Give(0, passed);
        Scales(at, -(passed * place));
    }

    private static void Dequantize(LocalGradient at)
    {
        at.GiveNothing(2);
        at.Give(0, at.G * Spread(at, 1));
        var code = at.X(0).ToFloat();
        Scales(at, at.G * (at.Has(2) ? code - Spread(at, 2).ToFloat() : code));
    }

    private static (float Low, float High)? Range(DataType type) => type switch
    {
        DataType.Int2 => (-2, 1),
        DataType.Uint2 => (0, 3),
        DataType.Int4 => (-8, 7),
        DataType.Uint4 => (0, 15),
        DataType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        DataType.Uint8 => (byte.MinValue, byte.MaxValue),
        DataType.Int16 => (short.MinValue, short.MaxValue),
        DataType.Uint16 => (ushort.MinValue, ushort.MaxValue),
        _ => null,
    };

    /// <summary>A scale or zero point in the shape that it is broadcast from: one of all, or one a place along an axis.</summary>
    private static Value Spread(LocalGradient at, int slot)
    {
        if (at.Node.Integer("block_size", 0) != 0)
        {
            throw at.Refused("its scales are those of blocks");
        }
        return at.Rank(slot) == 0 || at.Shape(slot).Shape[0] == 1
            ? at.X(slot) : at.X(slot).Unsqueeze([.. Enumerable.Range(1, at.Rank(0) - 1 - Axis(at)).Select(axis => (long)axis)]);
    }

    private static void Scales(LocalGradient at, Value gradient)
    {
        if (!at.Wants(1))
        {
            return;
        }
        bool isOne = at.Rank(1) == 0 || at.Shape(1).Shape[0] == 1;
        long[] axes = [.. Enumerable.Range(0, at.Rank(0)).Where(axis => isOne || axis != Axis(at)).Select(axis => (long)axis)];
        at.Give(1, at.Context.Reshape(gradient.SumAway(axes), at.Node.Operand(1)));
    }

    private static int Axis(LocalGradient at)
    {
        int axis = (int)at.Node.Integer("axis", 1);
        return axis < 0 ? axis + at.Rank(0) : axis;
    }
}
