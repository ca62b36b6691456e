using System.Text;
using Google.Protobuf;

namespace Clado.Onnx;

/// <summary>
/// Bytes a field takes in a protobuf message (protobuf.dev, "Encoding"): its tag, then a number, or a length and so many bytes.
/// Lengths may be larger than a message can be.
/// </summary>
internal static class FieldSize
{
    /// <summary>A whole number, not negative, in 7 bits a byte.</summary>
    /// <param name="field">Number of the field.</param>
    /// <param name="value">The number. Range: [0, inf).</param>
    public static long Number(int field, long value) => Tag(field) + CodedOutputStream.ComputeInt64Size(value);

    /// <summary>A text, as UTF-8.</summary>
    /// <param name="field">Number of the field.</param>
    /// <param name="text">The text.</param>
    public static long Text(int field, string text) => Bytes(field, Encoding.UTF8.GetByteCount(text));

    /// <summary>Bytes, or a message of so many bytes.</summary>
    /// <param name="field">Number of the field.</param>
    /// <param name="length">How many. Range: [0, inf).</param>
    public static long Bytes(int field, long length) => Tag(field) + CodedOutputStream.ComputeUInt64Size((ulong)length) + length;

    private static int Tag(int field) => CodedOutputStream.ComputeTagSize(field);
}
