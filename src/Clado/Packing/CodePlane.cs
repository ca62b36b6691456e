using Clado.Graphs;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>Some neighbouring bits of every code of a weight: one tensor of the file.</summary>
/// <param name="Shift">The lowest of these bits. Range: [0, 6].</param>
/// <param name="Width">How many bits: 1, 2, 4 or 8.</param>
/// <param name="Type">Element type of the tensor; UINT8 where several elements share a byte that ONNX knows nothing of.</param>
internal readonly record struct CodePlane(int Shift, int Width, DataType Type)
{
    /// <summary>Elements that share a byte.</summary>
    public int ElementsPerByte => 8 / Width;

    /// <summary>Whether the tensor is a column of bytes. Shape: [bytes, 1]. Otherwise it has the weight's shape.</summary>
    public bool LiesInBytes => Type == DataType.Uint8;

    /// <summary>What the tensor is called by.</summary>
    public char Role => Shift == 0 ? TensorRole.Codes : Width == 2 ? TensorRole.PairPlane : TensorRole.TopBitPlane;

    /// <summary>What the tensor of a group of rows is called by.</summary>
    public char GroupRole => Shift == 0 ? TensorRole.GroupCodes : Width == 2 ? TensorRole.GroupPairPlane : TensorRole.GroupTopBitPlane;

    /// <summary>Bytes of the tensor's elements.</summary>
    /// <param name="codes">Number of codes.</param>
    public long ByteCount(long codes) => (codes + ElementsPerByte - 1) / ElementsPerByte;

    /// <summary>Takes these bits of each code, the first code in the lowest bits of a byte, the last byte padded with zeros.</summary>
    /// <param name="codes">Shape: [codes].</param>
    /// <param name="offset">Added to a code before its bits are taken; 0 packs two's complement.</param>
    /// <returns>Shape: [bytes].</returns>
    public byte[] Pack(ReadOnlySpan<sbyte> codes, int offset)
    {
        int mask = (1 << Width) - 1;
        var packed = new byte[ByteCount(codes.Length)];
        for (int i = 0; i < codes.Length; i++)
        {
            int bits = ((codes[i] + offset) >> Shift) & mask;
            packed[i / ElementsPerByte] |= (byte)(bits << (i % ElementsPerByte * Width));
        }
        return packed;
    }
}
