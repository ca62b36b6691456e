using Clado.Onnx.Upgrade;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// How the codes of a weight lie in a file. At opset 25, codes of 2, 4 and 8 bits are INT2, INT4 and INT8. Other widths are a sum of
/// planes: 4 bits, 2 bits and 1 bit. The planes of 4 and 2 bits are UINT4 and UINT2, the plane of 1 bit lies eight to a byte.
/// At opset 21 every plane lies in bytes: ONNX has no 2-bit types there, and the runtimes it is meant for cannot cast 4-bit ones.
/// </summary>
/// <param name="Bits">Bits a weight. Range: [2, 8].</param>
/// <param name="Planes">Lowest bits first. Shape: [planes].</param>
internal sealed record WeightLayout(int Bits, IReadOnlyList<CodePlane> Planes)
{
    /// <summary>Whether the codes are a tensor of signed integers, as they are.</summary>
    public bool IsSigned => Planes is [{ Type: DataType.Int2 or DataType.Int4 or DataType.Int8 }];

    /// <summary>What is added to a code before it is packed: unsigned codes are u = code + 2^(bits−1).</summary>
    public int Offset => IsSigned ? 0 : 1 << (Bits - 1);

    /// <summary>Whether no tensor has the weight's shape, so that the call of the unpacking function must give it.</summary>
    public bool NeedsShape => Planes.All(plane => plane.LiesInBytes);

    /// <summary>The layout of a width.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static WeightLayout Of(int bits, int opset)
    {
        bool hasSmallTypes = opset >= OpsetUpgrade.TargetOpset;
        return bits switch
        {
            8 => Signed(DataType.Int8),
            4 when hasSmallTypes => Signed(DataType.Int4),
            2 when hasSmallTypes => Signed(DataType.Int2),
            _ => new WeightLayout(bits, [.. Unsigned(bits, hasSmallTypes)]),
        };

        WeightLayout Signed(DataType type) => new(bits, [new CodePlane(0, bits, type)]);
    }

    /// <summary>The planes of a width: the widest that fit come first, in the lowest bits.</summary>
    private static IEnumerable<CodePlane> Unsigned(int bits, bool hasSmallTypes)
    {
        int shift = 0;
        foreach (var (width, type) in ((int, DataType)[])[(4, DataType.Uint4), (2, DataType.Uint2), (1, DataType.Uint8)])
        {
            if (bits - shift >= width)
            {
                yield return new CodePlane(shift, width, hasSmallTypes ? type : DataType.Uint8);
                shift += width;
            }
        }
    }
}
