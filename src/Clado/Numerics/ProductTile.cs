using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Clado.Numerics;

/// <summary>The inner loop of <see cref="MatrixProduct"/>: one tile of the result, summed in registers.</summary>
internal static class ProductTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 4;

    // Four rows of three vectors are twelve registers. Of the sixteen there are, four are left for what is multiplied.
    private const int Vectors = 3;

    /// <summary>Columns of a tile.</summary>
    public static readonly int Columns = Vectors * Vector<double>.Count;

    /// <summary><c>target += left · right</c>.</summary>
    /// <param name="left">Column by column. Shape: [depth, 4].</param>
    /// <param name="right">Row by row. Shape: [depth, columns of a tile].</param>
    /// <param name="target">Entry (i, j) lies at <c>i · stride + j</c>. Shape: [4, columns of a tile].</param>
    /// <param name="stride">Distance of two rows of the target.</param>
    public static void Add(ReadOnlySpan<double> left, ReadOnlySpan<double> right, Span<double> target, int stride)
    {
        int depth = left.Length / Rows;
        ref double a = ref MemoryMarshal.GetReference(left);
        ref double b = ref MemoryMarshal.GetReference(right[..(depth * Columns)]);
        nuint vector = (nuint)Vector<double>.Count;
        Vector<double> c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        Vector<double> c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        for (int k = 0; k < depth; k++)
        {
            Vector<double> b0 = Vector.LoadUnsafe(ref b), b1 = Vector.LoadUnsafe(ref b, vector), b2 = Vector.LoadUnsafe(ref b, 2 * vector);
            var factor = new Vector<double>(a);
            c00 = Vector.FusedMultiplyAdd(factor, b0, c00);
            c01 = Vector.FusedMultiplyAdd(factor, b1, c01);
            c02 = Vector.FusedMultiplyAdd(factor, b2, c02);
            factor = new Vector<double>(Unsafe.Add(ref a, 1));
            c10 = Vector.FusedMultiplyAdd(factor, b0, c10);
            c11 = Vector.FusedMultiplyAdd(factor, b1, c11);
            c12 = Vector.FusedMultiplyAdd(factor, b2, c12);
            factor = new Vector<double>(Unsafe.Add(ref a, 2));
            c20 = Vector.FusedMultiplyAdd(factor, b0, c20);
            c21 = Vector.FusedMultiplyAdd(factor, b1, c21);
            c22 = Vector.FusedMultiplyAdd(factor, b2, c22);
            factor = new Vector<double>(Unsafe.Add(ref a, 3));
            c30 = Vector.FusedMultiplyAdd(factor, b0, c30);
            c31 = Vector.FusedMultiplyAdd(factor, b1, c31);
            c32 = Vector.FusedMultiplyAdd(factor, b2, c32);
            a = ref Unsafe.Add(ref a, Rows);
            b = ref Unsafe.Add(ref b, Columns);
        }
        AddRow(target, c00, c01, c02);
        AddRow(target[stride..], c10, c11, c12);
        AddRow(target[(2 * stride)..], c20, c21, c22);
        AddRow(target[(3 * stride)..], c30, c31, c32);
    }

    private static void AddRow(Span<double> row, Vector<double> first, Vector<double> second, Vector<double> third)
    {
        ref double target = ref MemoryMarshal.GetReference(row[..Columns]);
        nuint vector = (nuint)Vector<double>.Count;
        (Vector.LoadUnsafe(ref target) + first).StoreUnsafe(ref target);
        (Vector.LoadUnsafe(ref target, vector) + second).StoreUnsafe(ref target, vector);
        (Vector.LoadUnsafe(ref target, 2 * vector) + third).StoreUnsafe(ref target, 2 * vector);
    }
}
