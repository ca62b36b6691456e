using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>An input that gets the same values with every image.</summary>
/// <param name="Name">Name of the input.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Shape">Its shape for one image. Shape: [rank].</param>
/// <param name="IsBatched">Whether its first dimension grows with the batch.</param>
/// <param name="Values">Its elements for one image. Shape: [elements].</param>
internal sealed record ConstantInput(string Name, DataType Type, IReadOnlyList<long> Shape, bool IsBatched, IReadOnlyList<double> Values)
{
    // A shape of a few bytes can ask for it; no size or threshold does.
    private const double MaximumElements = 1L << 24;

    // Beyond it a double does not hold every integer.
    private const double LargestInteger = 1L << 53;

    /// <summary>Puts given values into an input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="given">One value for all elements, or as many as elements. Shape: [values].</param>
    /// <param name="freeBatch">Whether the batch of the image is free: a free first dimension is the batch then.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">The values do not fit the input, or it cannot be set.</exception>
    internal static ConstantInput Of(ValueInfoProto input, IReadOnlyList<double> given, bool freeBatch, string file)
    {
        var type = (DataType)input.Type.TensorType.ElemType;
        CheckValues(input, type, given, file);
        var dims = input.Type.TensorType.Shape?.Dim.Select(d => d.HasDimValue ? d.DimValue : (long?)null).ToArray()
            ?? throw new OnnxFormatException(file, "has no known rank, so it cannot be set", tensor: input.Name);
        bool batched = freeBatch && dims.Length > 0 && dims[0] is null;
        long[] shape = Fitted(dims, batched, given.Count);
        double elements = shape.Aggregate(1.0, (product, d) => product * d);
        if (shape.Any(d => d <= 0) || elements > MaximumElements)
        {
            throw new OnnxFormatException(file, $"impossible input shape {GraphInputs.Describe(input)}", tensor: input.Name);
        }
        if (given.Count != 1 && given.Count != elements)
        {
            var problem = Invariant($"takes {GraphInputs.Describe(input)}, {elements} values an image, ")
                + Invariant($"and {Settings.Values} gives {given.Count}; ")
                + "give one for all elements, or as many as elements";
            throw new OnnxFormatException(file, problem, tensor: input.Name);
        }
        IReadOnlyList<double> values = given.Count == elements ? given : [.. Enumerable.Repeat(given[0], (int)elements)];
        return new ConstantInput(input.Name, type, shape, batched, values);
    }

    /// <summary>The same values, as this type has them, in another.</summary>
    /// <param name="type">The other type.</param>
    internal ConstantInput As(DataType type) => type == Type ? this : this with
    {
        Type = type,
        Values = Type is DataType.Float16 or DataType.Bfloat16
            ? [.. ImageTensor.Rounded([.. Values.Select(value => (float)value)], Type).Select(value => (double)value)]
            : Values,
    };

    private static void CheckValues(ValueInfoProto input, DataType type, IReadOnlyList<double> given, string file)
    {
        var (least, largest, whole) = type switch
        {
            DataType.Float => (float.MinValue, float.MaxValue, false),
            DataType.Float16 => ((double)Half.MinValue, (double)Half.MaxValue, false),
            DataType.Bfloat16 => (float.MinValue, float.MaxValue, false),
            DataType.Double => (double.MinValue, double.MaxValue, false),
            DataType.Int64 => (-LargestInteger, LargestInteger, true),
            DataType.Int32 => (int.MinValue, int.MaxValue, true),
            DataType.Int8 => (sbyte.MinValue, sbyte.MaxValue, true),
            DataType.Uint8 => (byte.MinValue, byte.MaxValue, true),
            DataType.Bool => (0, 1, true),
            _ => throw new OnnxFormatException(file, $"inputs of type {type} cannot be set; numbers and booleans can", tensor: input.Name),
        };
        if (given.Any(v => v < least || v > largest || (whole && v != Math.Round(v))))
        {
            var list = string.Join(',', given.Select(value => Invariant($"{value}")));
            var problem = $"takes {GraphInputs.Describe(input)}; "
                + $"{Settings.Values} {input.Name}={list} gives a value that this type does not have";
            throw new OnnxFormatException(file, problem, tensor: input.Name);
        }
    }

    /// <summary>
    /// The shape for one image. Of free dimensions that are not the batch, the first takes what several values leave, the others 1.
    /// </summary>
    private static long[] Fitted(long?[] dims, bool batched, int values)
    {
        double known = dims.Aggregate(1.0, (product, d) => product * (d ?? 1));
        bool fills = values != 1 && known > 0 && values % known == 0;
        int open = fills ? Array.FindIndex(dims, batched ? 1 : 0, d => d is null) : -1;
        return [.. dims.Select((d, axis) => d ?? (axis == open ? (long)(values / known) : 1))];
    }

    /// <summary>The tensor for some images; the caller disposes it.</summary>
    /// <param name="images">Images in the batch. Range: [1, inf).</param>
    internal OrtValue Value(int images)
    {
        long[] shape = [.. Shape];
        if (IsBatched)
        {
            shape[0] = images;
        }
        OrtValue Tensor<T>(Func<double, T> convert) where T : unmanaged
        {
            T[] one = [.. Values.Select(convert)];
            return OrtValue.CreateTensorValueFromMemory(IsBatched ? [.. Enumerable.Repeat(one, images).SelectMany(v => v)] : one, shape);
        }

        return Type switch
        {
            DataType.Float => Tensor(v => (float)v),
            DataType.Float16 => Tensor(v => (Float16)(float)v),
            DataType.Bfloat16 => Tensor(v => (BFloat16)(float)v),
            DataType.Double => Tensor(v => v),
            DataType.Int64 => Tensor(v => (long)v),
            DataType.Int32 => Tensor(v => (int)v),
            DataType.Int8 => Tensor(v => (sbyte)v),
            DataType.Uint8 => Tensor(v => (byte)v),
            _ => Tensor(v => v != 0),
        };
    }
}
