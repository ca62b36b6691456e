using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Numerics;

/// <summary>Cholesky factors of large dense matrices, in double precision: blocked, with the trailing update in tiles of 4 × 8 held in registers.</summary>
internal static class Cholesky
{
    private const int BlockSize = 64;
    private const int PanelWidth = 8;
    private const int TileRows = 4;
    private const int StripWidth = 256;

    /// <summary>Row length that <see cref="TryFactor"/> wants for a matrix of some order.</summary>
    public static int Stride(int order) => (order + PanelWidth - 1) / PanelWidth * PanelWidth;

    /// <summary>Overwrites the upper triangle of a symmetric matrix by its Cholesky factor, <c>A = Rᵀ R</c>; false where a pivot is not positive.</summary>
    /// <param name="a">Upper triangle in, R out; below the diagonal is scratch, and what fills rows and columns up to the stride must be 0. Shape: [stride, stride].</param>
    /// <param name="order">Order of the matrix.</param>
    /// <param name="threads">Threads to use; the factor does not depend on it.</param>
    public static bool TryFactor(double[] a, int order, int threads)
    {
        int stride = Stride(order);
        var packed = new double[stride * BlockSize];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        for (int start = 0; start < order; start += BlockSize)
        {
            int size = Math.Min(BlockSize, order - start), end = start + size;
            if (!TryFactorBlock(a, stride, start, size))
            {
                return false;
            }
            if (end == order)
            {
                break;
            }
            For(0, (stride - end + StripWidth - 1) / StripWidth, options, strip => SolveStrip(a, stride, start, size, end + (strip * StripWidth)));
            // Panels begin at multiples of their width; since a block is one too, so does the trailing matrix.
            int panels = (stride - end) / PanelWidth;
            For(0, panels, options, panel => Pack(a, stride, start, size, end + (panel * PanelWidth), packed.AsSpan(panel * size * PanelWidth)));
            For(0, panels, options, panel => Update(a, stride, end, size, panel, panels, packed));
        }
        return true;
    }

    private static bool TryFactorBlock(double[] a, int stride, int start, int size)
    {
        for (int i = 0; i < size; i++)
        {
            var row = Row(a, stride, start + i, start + i, size - i);
            for (int k = 0; k < i; k++)
            {
                TensorPrimitives.MultiplyAdd(Row(a, stride, start + k, start + i, size - i), -a[((start + k) * (long)stride) + start + i], row, row);
            }
            // Written so that NaN fails too.
            if (!(row[0] > 0))
            {
                return false;
            }
            TensorPrimitives.Multiply(row, 1 / Math.Sqrt(row[0]), row);
        }
        return true;
    }

    /// <summary>Rows of the factor to the right of the diagonal block: forward substitution, a strip of columns at a time.</summary>
    private static void SolveStrip(double[] a, int stride, int start, int size, int from)
    {
        int width = Math.Min(StripWidth, stride - from);
        for (int i = 0; i < size; i++)
        {
            var row = Row(a, stride, start + i, from, width);
            for (int k = 0; k < i; k++)
            {
                TensorPrimitives.MultiplyAdd(Row(a, stride, start + k, from, width), -a[((start + k) * (long)stride) + start + i], row, row);
            }
            TensorPrimitives.Multiply(row, 1 / a[((start + i) * (long)stride) + start + i], row);
        }
    }

    private static void Pack(double[] a, int stride, int start, int size, int from, Span<double> packed)
    {
        for (int i = 0; i < size; i++)
        {
            Row(a, stride, start + i, from, PanelWidth).CopyTo(packed[(i * PanelWidth)..]);
        }
    }

    /// <summary>Subtracts RᵀR of the new rows from eight rows of the trailing matrix.</summary>
    private static void Update(double[] a, int stride, int end, int size, int panel, int panels, double[] packed)
    {
        int length = size * PanelWidth;
        for (int other = panel; other < panels; other++)
        {
            for (int tile = 0; tile < PanelWidth; tile += TileRows)
            {
                SubtractTile(
                    packed.AsSpan(panel * length, length)[tile..], packed.AsSpan(other * length, length), size, a, stride,
                    ((end + (panel * PanelWidth) + tile) * (long)stride) + end + (other * PanelWidth));
            }
        }
    }

    private static void SubtractTile(ReadOnlySpan<double> left, ReadOnlySpan<double> right, int rows, double[] a, int stride, long at)
    {
        ref double l = ref MemoryMarshal.GetReference(left);
        ref double r = ref MemoryMarshal.GetReference(right);
        Vector256<double> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        for (nuint i = 0; i < (nuint)(rows * PanelWidth); i += PanelWidth)
        {
            var r0 = Vector256.LoadUnsafe(ref r, i);
            var r1 = Vector256.LoadUnsafe(ref r, i + 4);
            var l0 = Vector256.Create(Unsafe.Add(ref l, i));
            s00 = Vector256.FusedMultiplyAdd(l0, r0, s00);
            s01 = Vector256.FusedMultiplyAdd(l0, r1, s01);
            var l1 = Vector256.Create(Unsafe.Add(ref l, i + 1));
            s10 = Vector256.FusedMultiplyAdd(l1, r0, s10);
            s11 = Vector256.FusedMultiplyAdd(l1, r1, s11);
            var l2 = Vector256.Create(Unsafe.Add(ref l, i + 2));
            s20 = Vector256.FusedMultiplyAdd(l2, r0, s20);
            s21 = Vector256.FusedMultiplyAdd(l2, r1, s21);
            var l3 = Vector256.Create(Unsafe.Add(ref l, i + 3));
            s30 = Vector256.FusedMultiplyAdd(l3, r0, s30);
            s31 = Vector256.FusedMultiplyAdd(l3, r1, s31);
        }
        Subtract(a, at, s00, s01);
        Subtract(a, at + stride, s10, s11);
        Subtract(a, at + (2L * stride), s20, s21);
        Subtract(a, at + (3L * stride), s30, s31);
    }

    private static void Subtract(double[] a, long at, Vector256<double> first, Vector256<double> second)
    {
        ref double target = ref a[at];
        (Vector256.LoadUnsafe(ref target) - first).StoreUnsafe(ref target);
        (Vector256.LoadUnsafe(ref target, 4) - second).StoreUnsafe(ref target, 4);
    }

    private static Span<double> Row(double[] a, int stride, int row, int from, int length) => a.AsSpan((row * stride) + from, length);

    private static void For(int from, int to, ParallelOptions options, Action<int> body)
    {
        if (to - from < 4)
        {
            for (int i = from; i < to; i++)
            {
                body(i);
            }
            return;
        }
        Parallel.For(from, to, options, body);
    }
}
