using Clado.Graphs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Clado.Inference;

/// <summary>An output as a model gives it. Whole numbers and truth values are floats of the same value.</summary>
/// <param name="Shape">Dimensions. Shape: [rank].</param>
/// <param name="Values">The values, row-major. Shape: [elements].</param>
/// <param name="IsInteger">Whether the model gives whole numbers or truth values.</param>
internal sealed record ModelOutput(IReadOnlyList<int> Shape, ReadOnlyMemory<float> Values, bool IsInteger)
{
    /// <summary>Reads a value of the runtime.</summary>
    /// <returns>null where it is no tensor of numbers.</returns>
    public static ModelOutput? Of(OrtValue value)
    {
        if (!value.IsTensor)
        {
            return null;
        }
        var info = value.GetTensorTypeAndShape();
        return Read(value, info.ElementDataType) is { } values
            ? new ModelOutput([.. info.Shape.Select(dim => checked((int)dim))], values, !RealValues.Are(value))
            : null;
    }

    /// <summary>Each image's part of the output of a batch. Shape: [images].</summary>
    /// <param name="images">Images of the batch. Range: [1, inf).</param>
    /// <returns>null where its first dimension is not that of images.</returns>
    public ModelOutput[]? Split(int images)
    {
        if (images == 1)
        {
            return [this];
        }
        if (Shape.Count == 0 || Shape[0] != images)
        {
            return null;
        }
        int elements = Values.Length / images;
        int[] shape = [1, .. Shape.Skip(1)];
        ModelOutput Part(int image) => this with { Shape = shape, Values = Values.Slice(image * elements, elements) };
        return [.. Enumerable.Range(0, images).Select(Part)];
    }

    private static float[]? Read(OrtValue value, TensorElementType type) => type switch
    {
        _ when RealValues.Are(value) => RealValues.Singles(value),
        TensorElementType.Int64 => Read<long>(value, v => v),
        TensorElementType.UInt64 => Read<ulong>(value, v => v),
        TensorElementType.Int32 => Read<int>(value, v => v),
        TensorElementType.UInt32 => Read<uint>(value, v => v),
        TensorElementType.Int16 => Read<short>(value, v => v),
        TensorElementType.UInt16 => Read<ushort>(value, v => v),
        TensorElementType.Int8 => Read<sbyte>(value, v => v),
        TensorElementType.UInt8 => Read<byte>(value, v => v),
        TensorElementType.Bool => Read<bool>(value, v => v ? 1 : 0),
        _ => null,
    };

    private static float[] Read<T>(OrtValue value, Func<T, float> convert) where T : unmanaged
    {
        var given = value.GetTensorDataAsSpan<T>();
        var values = new float[given.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = convert(given[i]);
        }
        return values;
    }
}
