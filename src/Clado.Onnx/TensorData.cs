using System.Runtime.InteropServices;
using Google.Protobuf;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Onnx;

/// <summary>Values of tensors, whichever of the file's fields they lie in.</summary>
internal static class TensorData
{
    /// <summary>Number of elements a shape has.</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="tensor">The tensor whose <c>dims</c> are multiplied.</param>
    /// <exception cref="OnnxFormatException">A dimension is negative, or the product does not fit.</exception>
    public static long ElementCount(string file, TensorProto tensor)
    {
        long count = 1;
        bool empty = false;
        foreach (long dim in tensor.Dims)
        {
            // The bound keeps count·16 bytes (the widest type) inside a long.
            if (dim < 0 || (dim > 0 && count > (1L << 58) / dim))
            {
                throw new OnnxFormatException(file, $"impossible shape {ShapeText.Of(tensor.Dims)}", tensor: tensor.Name);
            }
            empty |= dim == 0;
            count *= Math.Max(dim, 1);
        }
        return empty ? 0 : count;
    }

    /// <summary>Reads a float tensor (float, double, float16 or bfloat16).</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="tensor">The tensor to read.</param>
    /// <returns>Its values, row-major. Shape: [elements].</returns>
    /// <exception cref="OnnxFormatException">The tensor is of another type.</exception>
    public static float[] ReadSingles(string file, TensorProto tensor) => (DataType)tensor.DataType switch
    {
        DataType.Float when tensor.HasRawData => Raw<float>(tensor),
        DataType.Float => [.. tensor.FloatData],
        DataType.Double when tensor.HasRawData => Array.ConvertAll(Raw<double>(tensor), FromDouble),
        DataType.Double => [.. tensor.DoubleData.Select(FromDouble)],
        DataType.Float16 when tensor.HasRawData => Array.ConvertAll(Raw<Half>(tensor), v => (float)v),
        DataType.Float16 => [.. tensor.Int32Data.Select(v => (float)BitConverter.UInt16BitsToHalf((ushort)v))],
        DataType.Bfloat16 when tensor.HasRawData => Array.ConvertAll(Raw<ushort>(tensor), FromBfloat16),
        DataType.Bfloat16 => [.. tensor.Int32Data.Select(v => FromBfloat16((ushort)v))],
        var other => throw new OnnxFormatException(file, $"holds {Name(other)}, floats are wanted", tensor: tensor.Name),
    };

    /// <summary>Reads an integer tensor (int64 or int32), such as a shape or a list of axes.</summary>
    /// <param name="file">Path that errors name.</param>
    /// <param name="tensor">The tensor to read.</param>
    /// <returns>Its values, row-major. Shape: [elements].</returns>
    /// <exception cref="OnnxFormatException">The tensor is of another type.</exception>
    public static long[] ReadIntegers(string file, TensorProto tensor) => (DataType)tensor.DataType switch
    {
        DataType.Int64 when tensor.HasRawData => Raw<long>(tensor),
        DataType.Int64 => [.. tensor.Int64Data],
        DataType.Int32 when tensor.HasRawData => Array.ConvertAll(Raw<int>(tensor), v => (long)v),
        DataType.Int32 => [.. tensor.Int32Data.Select(v => (long)v)],
        var other => throw new OnnxFormatException(file, $"holds {Name(other)}, integers are wanted", tensor: tensor.Name),
    };

    /// <summary>Makes a float tensor.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="values">Row-major values. Shape: [elements].</param>
    /// <param name="dims">Shape of the tensor; none for a scalar. Shape: [rank].</param>
    public static TensorProto Singles(string name, ReadOnlySpan<float> values, params ReadOnlySpan<long> dims) =>
        Create(name, DataType.Float, MemoryMarshal.AsBytes(values), dims);

    /// <summary>Makes an int64 tensor.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="values">Row-major values. Shape: [elements].</param>
    /// <param name="dims">Shape of the tensor; none for a scalar. Shape: [rank].</param>
    public static TensorProto Integers(string name, ReadOnlySpan<long> values, params ReadOnlySpan<long> dims) =>
        Create(name, DataType.Int64, MemoryMarshal.AsBytes(values), dims);

    /// <summary>Replaces the values of a float tensor in the field they lie in: its size in the file stays the same.</summary>
    /// <param name="tensor">The tensor to change; of type float.</param>
    /// <param name="values">Row-major values, as many as it has. Shape: [elements].</param>
    public static void Overwrite(TensorProto tensor, ReadOnlySpan<float> values)
    {
        if (tensor.HasRawData)
        {
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values));
            return;
        }
        tensor.FloatData.Clear();
        tensor.FloatData.AddRange(values.ToArray());
    }

    /// <summary>Makes a tensor from the bytes of its values (little endian, row-major, packed where the type is below 8 bits).</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="type">Element type.</param>
    /// <param name="bytes">The values' bytes. Shape: [bytes].</param>
    /// <param name="dims">Shape of the tensor in elements. Shape: [rank].</param>
    public static TensorProto Create(string name, DataType type, ReadOnlySpan<byte> bytes, params ReadOnlySpan<long> dims)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.Add(dims.ToArray());
        return tensor;
    }

    /// <summary>Bytes a tensor's values take, packed. Range: [0, 2^62].</summary>
    internal static long SizeBytes(string file, TensorProto tensor)
    {
        long count = ElementCount(file, tensor);
        return (DataType)tensor.DataType switch
        {
            DataType.Int2 or DataType.Uint2 => (count + 3) / 4,
            DataType.Int4 or DataType.Uint4 or DataType.Float4E2M1 => (count + 1) / 2,
            DataType.Float16 or DataType.Bfloat16 or DataType.Int16 or DataType.Uint16 => count * 2,
            DataType.Float or DataType.Int32 or DataType.Uint32 => count * 4,
            DataType.Double or DataType.Int64 or DataType.Uint64 or DataType.Complex64 => count * 8,
            DataType.Complex128 => count * 16,
            DataType.Undefined => throw new OnnxFormatException(file, "has no element type", tensor: tensor.Name),
            _ => count,
        };
    }

    /// <summary>Throws unless the tensor holds exactly the data its shape and type ask for.</summary>
    internal static void Check(string file, TensorProto tensor)
    {
        if (!Enum.IsDefined((DataType)tensor.DataType))
        {
            throw new OnnxFormatException(file, $"has the unknown element type {tensor.DataType}", tensor: tensor.Name);
        }
        long count = ElementCount(file, tensor);
        long wanted = tensor.HasRawData ? SizeBytes(file, tensor) : (DataType)tensor.DataType switch
        {
            DataType.Complex64 or DataType.Complex128 => 2 * count,
            DataType.Int2 or DataType.Uint2 or DataType.Int4 or DataType.Uint4 or DataType.Float4E2M1 => SizeBytes(file, tensor),
            _ => count,
        };
        long found = tensor.HasRawData ? tensor.RawData.Length : (DataType)tensor.DataType switch
        {
            DataType.Float or DataType.Complex64 => tensor.FloatData.Count,
            DataType.Double or DataType.Complex128 => tensor.DoubleData.Count,
            DataType.Int64 => tensor.Int64Data.Count,
            DataType.Uint32 or DataType.Uint64 => tensor.Uint64Data.Count,
            DataType.String => tensor.StringData.Count,
            _ => tensor.Int32Data.Count,
        };
        if (wanted != found)
        {
            var unit = tensor.HasRawData ? "bytes" : "values";
            throw new OnnxFormatException(
                file,
                Invariant($"shape {ShapeText.Of(tensor.Dims)} of {Name((DataType)tensor.DataType)} wants {wanted:N0} {unit}, ")
                    + Invariant($"the file has {found:N0}; export the model again"),
                tensor: tensor.Name);
        }
    }

    private static T[] Raw<T>(TensorProto tensor) where T : unmanaged
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("ONNX raw data is little endian, this machine is not.");
        }
        return MemoryMarshal.Cast<byte, T>(tensor.RawData.Span).ToArray();
    }

    // What is finite stays so: the lowest number is a mask in many networks, and no infinity.
    private static float FromDouble(double value) =>
        double.IsFinite(value) ? (float)Math.Clamp(value, float.MinValue, float.MaxValue) : (float)value;

    private static float FromBfloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    private static string Name(DataType type) => type.ToString().ToUpperInvariant();
}
