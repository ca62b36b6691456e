using Microsoft.ML.OnnxRuntime;

namespace Clado.Graphs;

/// <summary>Images in the element type that a network takes.</summary>
internal static class ImageTensor
{
    /// <summary>Makes the tensor; the caller disposes it.</summary>
    /// <param name="values">Shape: [elements].</param>
    /// <param name="shape">Shape: [rank].</param>
    /// <param name="isBytes">Whether values are rounded to bytes, to the nearest and within 0 to 255; else they are floats.</param>
    public static OrtValue Of(float[] values, long[] shape, bool isBytes) => isBytes
        ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, ByteOf), shape)
        : OrtValue.CreateTensorValueFromMemory(values, shape);

    /// <summary>The nearest byte; of two equally near ones the even one, as QuantizeLinear has it.</summary>
    /// <param name="value">Any number; NaN becomes 0.</param>
    public static byte ByteOf(float value) => (byte)Math.Clamp(float.IsNaN(value) ? 0 : MathF.Round(value), byte.MinValue, byte.MaxValue);
}
