using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs.Integers;

/// <summary>Products with weights of a few bits whose scales are of blocks along the inputs (MatMulNBits).</summary>
internal static class BlockRules
{
    /// <summary>MatMulNBits: A, packed codes, scales, zero points, order of groups, bias.</summary>
    public static bool Product(NodeProto node, Dequantization to)
    {
        if (node.Operand(4).Length > 0 || Weight(node, to) is not { } weight)
        {
            return false;
        }
        long inputs = node.Integer("K", 0), outputs = node.Integer("N", 0);
        var name = to.Constants.Add(TensorData.Singles("", weight, inputs, outputs), $"{node.Operand(1)}_float");
        ProductRules.Biased(node, node.Operand(0), name, node.Operand(5), to);
        return true;
    }

    /// <summary>The weight. Shape: [inputs, outputs]. Null where it is not constant, or stored in another form.</summary>
    private static float[]? Weight(NodeProto node, Dequantization to)
    {
        int inputs = (int)node.Integer("K", 0), outputs = (int)node.Integer("N", 0);
        int bits = (int)node.Integer("bits", 4), size = (int)node.Integer("block_size", 0);
        if (bits is not (2 or 4 or 8) || size <= 0 || inputs <= 0 || outputs <= 0
            || to.Constants.Find(node.Operand(1)) is not { HasRawData: true } packed
            || to.Constants.Find(node.Operand(2)) is not { DataType: (int)DataType.Float } scaling)
        {
            return null;
        }
        int blocks = (inputs + size - 1) / size;
        var codes = packed.RawData.Span;
        float[] scales = to.Constants.Singles(scaling);
        if (codes.Length != (long)outputs * blocks * size * bits / 8 || scales.Length != outputs * blocks
            || ZeroPoints(node, to, bits, outputs, blocks) is not { } zeros)
        {
            return null;
        }
        var weight = new float[(long)inputs * outputs];
        for (int output = 0; output < outputs; output++)
        {
            for (int input = 0; input < inputs; input++)
            {
                int block = (output * blocks) + (input / size);
                int code = Code(codes[(block * size * bits / 8)..], input % size, bits);
                weight[(input * outputs) + output] = (code - zeros[block]) * scales[block];
            }
        }
        return weight;
    }

    /// <summary>Zero point of each block; the middle code where there are none. Shape: [outputs · blocks].</summary>
    private static float[]? ZeroPoints(NodeProto node, Dequantization to, int bits, int outputs, int blocks)
    {
        if (node.Operand(3).Length == 0)
        {
            return [.. Enumerable.Repeat((float)(1 << (bits - 1)), outputs * blocks)];
        }
        if (to.Constants.Find(node.Operand(3)) is not { } tensor)
        {
            return null;
        }
        if ((DataType)tensor.DataType == DataType.Float)
        {
            float[] floats = to.Constants.Singles(tensor);
            return floats.Length == outputs * blocks ? floats : null;
        }
        // Packed row by row.
        int rowBytes = ((blocks * bits) + 7) / 8;
        if ((DataType)tensor.DataType != DataType.Uint8 || !tensor.HasRawData || tensor.RawData.Length != outputs * rowBytes)
        {
            return null;
        }
        var packed = tensor.RawData;
        return [.. Enumerable.Range(0, outputs * blocks)
            .Select(i => (float)Code(packed.Span[(i / blocks * rowBytes)..], i % blocks, bits))];
    }

    private static int Code(ReadOnlySpan<byte> packed, int index, int bits) =>
        (packed[index * bits / 8] >> (index * bits % 8)) & ((1 << bits) - 1);
}
