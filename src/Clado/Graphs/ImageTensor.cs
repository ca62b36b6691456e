using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Images in the element type that a network takes.</summary>
internal static class ImageTensor
{
    /// <summary>The types that images may have.</summary>
    public static readonly IReadOnlyList<DataType> Types =
        [DataType.Float, DataType.Uint8, DataType.Float16, DataType.Bfloat16, DataType.Double];

    /// <summary>Makes the tensor; the caller disposes it.</summary>
    /// <param name="values">Shape: [elements].</param>
    /// <param name="shape">Shape: [rank].</param>
    /// <param name="type">Type of its elements, one of <see cref="Types"/>; bytes are the nearest ones within 0 to 255.</param>
    public static OrtValue Of(float[] values, long[] shape, DataType type) => type switch
    {
        DataType.Uint8 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, ByteOf), shape),
        DataType.Float16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => (Float16)v), shape),
        DataType.Bfloat16 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => (BFloat16)v), shape),
        DataType.Double => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, v => (double)v), shape),
        _ => OrtValue.CreateTensorValueFromMemory(values, shape),
    };

    /// <summary>The nearest byte; of two equally near ones the even one, as QuantizeLinear has it.</summary>
    /// <param name="value">Any number; NaN becomes 0.</param>
    public static byte ByteOf(float value) => (byte)Math.Clamp(float.IsNaN(value) ? 0 : MathF.Round(value), byte.MinValue, byte.MaxValue);

    /// <summary>Values as another type has them, of half precision; as they are where it is none. Shape: [elements].</summary>
    /// <param name="values">Shape: [elements].</param>
    /// <param name="type">Any type.</param>
    public static float[] Rounded(float[] values, DataType type) => type switch
    {
        DataType.Float16 => Array.ConvertAll(values, v => (float)(Half)v),
        DataType.Bfloat16 => Array.ConvertAll(values, v => (float)(BFloat16)v),
        _ => values,
    };
}
