using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Numerics;

/// <summary>
/// Products of a matrix with 32 vectors at once, whose elements lie side by side: element i of vector v is at <c>i · 32 + v</c>.
/// </summary>
internal static class Lanes
{
    /// <summary>
    /// Vectors side by side. Four registers of eight hold one element of each: with two sums of them and a factor they fit into sixteen.
    /// </summary>
    public const int Count = 32;

    /// <summary>Adds <c>Σ_i coefficients[i] · vectors[i]</c> to one element of each vector.</summary>
    /// <param name="coefficients">Shape: [elements].</param>
    /// <param name="vectors">Shape: [elements, 32].</param>
    /// <param name="target">Shape: [32].</param>
    public static void Accumulate(ReadOnlySpan<float> coefficients, ReadOnlySpan<float> vectors, Span<float> target)
    {
        ref float f = ref MemoryMarshal.GetReference(coefficients);
        ref float e = ref MemoryMarshal.GetReference(vectors[..(coefficients.Length * Count)]);
        ref float sum = ref MemoryMarshal.GetReference(target[..Count]);
        Vector256<float> a0 = Vector256.LoadUnsafe(ref sum), a1 = Vector256.LoadUnsafe(ref sum, 8);
        Vector256<float> a2 = Vector256.LoadUnsafe(ref sum, 16), a3 = Vector256.LoadUnsafe(ref sum, 24);
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        nuint length = (nuint)coefficients.Length, i = 0;
        // Two elements at a time, in sums of their own: the processor can work on both.
        for (; i + 1 < length; i += 2)
        {
            nuint at = i * Count;
            var first = Vector256.Create(Unsafe.Add(ref f, i));
            a0 = Vector256.FusedMultiplyAdd(first, Vector256.LoadUnsafe(ref e, at), a0);
            a1 = Vector256.FusedMultiplyAdd(first, Vector256.LoadUnsafe(ref e, at + 8), a1);
            a2 = Vector256.FusedMultiplyAdd(first, Vector256.LoadUnsafe(ref e, at + 16), a2);
            a3 = Vector256.FusedMultiplyAdd(first, Vector256.LoadUnsafe(ref e, at + 24), a3);
            var second = Vector256.Create(Unsafe.Add(ref f, i + 1));
            b0 = Vector256.FusedMultiplyAdd(second, Vector256.LoadUnsafe(ref e, at + 32), b0);
            b1 = Vector256.FusedMultiplyAdd(second, Vector256.LoadUnsafe(ref e, at + 40), b1);
            b2 = Vector256.FusedMultiplyAdd(second, Vector256.LoadUnsafe(ref e, at + 48), b2);
            b3 = Vector256.FusedMultiplyAdd(second, Vector256.LoadUnsafe(ref e, at + 56), b3);
        }
        if (i < length)
        {
            var last = Vector256.Create(Unsafe.Add(ref f, i));
            b0 = Vector256.FusedMultiplyAdd(last, Vector256.LoadUnsafe(ref e, i * Count), b0);
            b1 = Vector256.FusedMultiplyAdd(last, Vector256.LoadUnsafe(ref e, (i * Count) + 8), b1);
            b2 = Vector256.FusedMultiplyAdd(last, Vector256.LoadUnsafe(ref e, (i * Count) + 16), b2);
            b3 = Vector256.FusedMultiplyAdd(last, Vector256.LoadUnsafe(ref e, (i * Count) + 24), b3);
        }
        (a0 + b0).StoreUnsafe(ref sum);
        (a1 + b1).StoreUnsafe(ref sum, 8);
        (a2 + b2).StoreUnsafe(ref sum, 16);
        (a3 + b3).StoreUnsafe(ref sum, 24);
    }

    /// <summary><c>uᵀ H v</c> and <c>vᵀ H v</c> of every lane.</summary>
    /// <param name="matrix">Symmetric. Shape: [n, n].</param>
    /// <param name="u">Shape: [n, 32].</param>
    /// <param name="v">Shape: [n, 32].</param>
    /// <returns>Shape: [32] each.</returns>
    public static (double[] Cross, double[] Square) Forms(ReadOnlySpan<float> matrix, ReadOnlySpan<float> u, ReadOnlySpan<float> v)
    {
        int n = v.Length / Count;
        var (cross, square) = (new double[Count], new double[Count]);
        Span<float> product = stackalloc float[Count];
        for (int i = 0; i < n; i++)
        {
            product.Clear();
            Accumulate(matrix.Slice(i * n, n), v, product);
            for (int lane = 0; lane < Count; lane++)
            {
                cross[lane] += (double)u[(i * Count) + lane] * product[lane];
                square[lane] += (double)v[(i * Count) + lane] * product[lane];
            }
        }
        return (cross, square);
    }
}
