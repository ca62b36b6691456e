using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Clado.Graphs;

/// <summary>Reads tensors of real numbers, of whichever precision they are.</summary>
internal static class RealValues
{
    /// <summary>Whether a value is a tensor of real numbers.</summary>
    /// <param name="value">The value.</param>
    public static bool Are(OrtValue value) => value.IsTensor && TypeOf(value)
        is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Double;

    /// <summary>The numbers as floats. Shape: [elements].</summary>
    /// <param name="value">A tensor of real numbers.</param>
    public static float[] Singles(OrtValue value) => TypeOf(value) switch
    {
        TensorElementType.Float16 => Converted<Float16, float>(value, v => (float)v),
        TensorElementType.BFloat16 => Converted<BFloat16, float>(value, v => (float)v),
        TensorElementType.Double => Converted<double, float>(value, v => (float)v),
        _ => value.GetTensorDataAsSpan<float>().ToArray(),
    };

    /// <summary>The numbers in double precision. Shape: [elements].</summary>
    /// <param name="value">A tensor of real numbers.</param>
    public static double[] Doubles(OrtValue value) => TypeOf(value) == TensorElementType.Double
        ? value.GetTensorDataAsSpan<double>().ToArray()
        : Array.ConvertAll(Singles(value), v => (double)v);

    private static TensorElementType TypeOf(OrtValue value) => value.GetTensorTypeAndShape().ElementDataType;

    private static TTo[] Converted<TFrom, TTo>(OrtValue value, Converter<TFrom, TTo> convert) where TFrom : unmanaged =>
        Array.ConvertAll(value.GetTensorDataAsSpan<TFrom>().ToArray(), convert);
}
