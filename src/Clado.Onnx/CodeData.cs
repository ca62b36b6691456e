using System.Runtime.InteropServices;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Onnx;

/// <summary>Integers of tensors that hold codes or zero points.</summary>
internal static class CodeData
{
    /// <summary>Reads a tensor of integers of any width, such as zero points.</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="tensor">The tensor to read.</param>
    /// <returns>Its values, row-major. Shape: [elements].</returns>
    /// <exception cref="OnnxFormatException">The tensor is of another type.</exception>
    public static long[] Read(string file, TensorProto tensor) => (DataType)tensor.DataType switch
    {
        DataType.Int8 when tensor.HasRawData => Array.ConvertAll(tensor.RawData.ToByteArray(), v => (long)(sbyte)v),
        DataType.Uint8 when tensor.HasRawData => Array.ConvertAll(tensor.RawData.ToByteArray(), v => (long)v),
        DataType.Int16 when tensor.HasRawData => [.. MemoryMarshal.Cast<byte, short>(tensor.RawData.Span).ToArray().Select(v => (long)v)],
        DataType.Uint16 when tensor.HasRawData => [.. MemoryMarshal.Cast<byte, ushort>(tensor.RawData.Span).ToArray().Select(v => (long)v)],
        DataType.Int8 or DataType.Uint8 or DataType.Int16 or DataType.Uint16 => [.. tensor.Int32Data.Select(v => (long)v)],
        DataType.Int4 => Packed(file, tensor, 4, 8),
        DataType.Uint4 => Packed(file, tensor, 4, 0),
        DataType.Int2 => Packed(file, tensor, 2, 2),
        DataType.Uint2 => Packed(file, tensor, 2, 0),
        _ => TensorData.ReadIntegers(file, tensor),
    };

    /// <summary>Codes of a few bits, the first in the lowest; those with the sign bit are negative.</summary>
    private static long[] Packed(string file, TensorProto tensor, int width, int signBit)
    {
        byte[] bytes = tensor.HasRawData ? tensor.RawData.ToByteArray() : [.. tensor.Int32Data.Select(v => (byte)v)];
        long[] codes = new long[TensorData.ElementCount(file, tensor)];
        for (int i = 0; i < codes.Length; i++)
        {
            int code = (bytes[i * width / 8] >> (i * width % 8)) & ((1 << width) - 1);
            codes[i] = code - ((code & signBit) << 1);
        }
        return codes;
    }
}
