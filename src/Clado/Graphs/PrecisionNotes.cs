using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Says that a network was read in another precision than it computes in.</summary>
internal static class PrecisionNotes
{
    /// <summary>Adds what is to be said to what is said of the input already.</summary>
    /// <param name="shape">Shape of the image input, and its notes.</param>
    /// <param name="precisions">Types that were found and are read as float. Shape: [types].</param>
    /// <param name="check">Tells how far a reading of double precision is off.</param>
    /// <exception cref="Onnx.OnnxFormatException">It is too far off.</exception>
    public static InputShape AddTo(InputShape shape, IReadOnlyList<DataType> precisions, DoubleCheck check)
    {
        var types = string.Join(" and ", precisions.Select(Name));
        var note = $"computes in {types}: it is read, measured and written in float32, its inputs and outputs keep their types, "
            + "and sizes are compared with the file as it is";
        string[] distance = precisions.Contains(DataType.Double) ? [check.Note(shape)] : [];
        return shape with { Notes = [.. shape.Notes, note, .. distance] };
    }

    private static string Name(DataType type) => type.ToString().ToLowerInvariant();
}
