using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Numerics;

/// <summary>
/// The inner loop of <see cref="Lanes.AddProduct"/>: four rows of the product, two registers of each at a time. Registers are as wide as
/// the machine has them: every entry's sum goes in the order of the elements, so that its bits are the same in all of them.
/// </summary>
internal static class LaneTile
{
    /// <summary>
    /// Rows at a time: two registers of each are eight sums, enough for a processor that begins two a cycle and ends one after four.
    /// With two registers of vectors and a factor, eleven of the sixteen there are.
    /// </summary>
    public const int Rows = 4;

    /// <summary><c>target_i += Σ_k M_ik v_k</c>.</summary>
    /// <param name="matrix">Its entry (i, k) lies at <c>i · stride + k</c>. Shape: [4, elements].</param>
    /// <param name="stride">Distance of two rows.</param>
    /// <param name="vectors">Shape: [elements, 32].</param>
    /// <param name="targets">Shape: [4, 32].</param>
    public static void Add(ReadOnlySpan<float> matrix, int stride, ReadOnlySpan<float> vectors, Span<float> targets)
    {
        int elements = vectors.Length / Lanes.Count;
        ref float m = ref MemoryMarshal.GetReference(matrix[..(((Rows - 1) * stride) + elements)]);
        ref float v = ref MemoryMarshal.GetReference(vectors);
        ref float target = ref MemoryMarshal.GetReference(targets[..(Rows * Lanes.Count)]);
        if (Vector512.IsHardwareAccelerated)
        {
            Add512(ref m, stride, ref v, elements, ref target);
        }
        else
        {
            Add256(ref m, stride, ref v, elements, ref target);
            Add256(ref m, stride, ref Unsafe.Add(ref v, 16), elements, ref Unsafe.Add(ref target, 16));
        }
    }

    /// <summary>Four rows of all 32 vectors. All optimisations at once: much of the work is done before a second compilation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add512(ref float m, int stride, ref float v, int elements, ref float target)
    {
        ref float n = ref Unsafe.Add(ref m, stride), o = ref Unsafe.Add(ref n, stride), p = ref Unsafe.Add(ref o, stride);
        Vector512<float> a0 = Vector512.LoadUnsafe(ref target), a1 = Vector512.LoadUnsafe(ref target, 16);
        Vector512<float> b0 = Vector512.LoadUnsafe(ref target, 32), b1 = Vector512.LoadUnsafe(ref target, 48);
        Vector512<float> c0 = Vector512.LoadUnsafe(ref target, 64), c1 = Vector512.LoadUnsafe(ref target, 80);
        Vector512<float> d0 = Vector512.LoadUnsafe(ref target, 96), d1 = Vector512.LoadUnsafe(ref target, 112);
        for (nuint k = 0, at = 0; k < (nuint)elements; k++, at += Lanes.Count)
        {
            Vector512<float> v0 = Vector512.LoadUnsafe(ref v, at), v1 = Vector512.LoadUnsafe(ref v, at + 16);
            var factor = Vector512.Create(Unsafe.Add(ref m, k));
            a0 = Vector512.FusedMultiplyAdd(factor, v0, a0);
            a1 = Vector512.FusedMultiplyAdd(factor, v1, a1);
            factor = Vector512.Create(Unsafe.Add(ref n, k));
            b0 = Vector512.FusedMultiplyAdd(factor, v0, b0);
            b1 = Vector512.FusedMultiplyAdd(factor, v1, b1);
            factor = Vector512.Create(Unsafe.Add(ref o, k));
            c0 = Vector512.FusedMultiplyAdd(factor, v0, c0);
            c1 = Vector512.FusedMultiplyAdd(factor, v1, c1);
            factor = Vector512.Create(Unsafe.Add(ref p, k));
            d0 = Vector512.FusedMultiplyAdd(factor, v0, d0);
            d1 = Vector512.FusedMultiplyAdd(factor, v1, d1);
        }
        a0.StoreUnsafe(ref target);
        a1.StoreUnsafe(ref target, 16);
        b0.StoreUnsafe(ref target, 32);
        b1.StoreUnsafe(ref target, 48);
        c0.StoreUnsafe(ref target, 64);
        c1.StoreUnsafe(ref target, 80);
        d0.StoreUnsafe(ref target, 96);
        d1.StoreUnsafe(ref target, 112);
    }

    /// <summary>Four rows of 16 of the vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add256(ref float m, int stride, ref float v, int elements, ref float target)
    {
        ref float n = ref Unsafe.Add(ref m, stride), o = ref Unsafe.Add(ref n, stride), p = ref Unsafe.Add(ref o, stride);
        Vector256<float> a0 = Vector256.LoadUnsafe(ref target), a1 = Vector256.LoadUnsafe(ref target, 8);
        Vector256<float> b0 = Vector256.LoadUnsafe(ref target, 32), b1 = Vector256.LoadUnsafe(ref target, 40);
        Vector256<float> c0 = Vector256.LoadUnsafe(ref target, 64), c1 = Vector256.LoadUnsafe(ref target, 72);
        Vector256<float> d0 = Vector256.LoadUnsafe(ref target, 96), d1 = Vector256.LoadUnsafe(ref target, 104);
        for (nuint k = 0, at = 0; k < (nuint)elements; k++, at += Lanes.Count)
        {
            Vector256<float> v0 = Vector256.LoadUnsafe(ref v, at), v1 = Vector256.LoadUnsafe(ref v, at + 8);
            var factor = Vector256.Create(Unsafe.Add(ref m, k));
            a0 = Vector256.FusedMultiplyAdd(factor, v0, a0);
            a1 = Vector256.FusedMultiplyAdd(factor, v1, a1);
            factor = Vector256.Create(Unsafe.Add(ref n, k));
            b0 = Vector256.FusedMultiplyAdd(factor, v0, b0);
            b1 = Vector256.FusedMultiplyAdd(factor, v1, b1);
            factor = Vector256.Create(Unsafe.Add(ref o, k));
            c0 = Vector256.FusedMultiplyAdd(factor, v0, c0);
            c1 = Vector256.FusedMultiplyAdd(factor, v1, c1);
            factor = Vector256.Create(Unsafe.Add(ref p, k));
            d0 = Vector256.FusedMultiplyAdd(factor, v0, d0);
            d1 = Vector256.FusedMultiplyAdd(factor, v1, d1);
        }
        a0.StoreUnsafe(ref target);
        a1.StoreUnsafe(ref target, 8);
        b0.StoreUnsafe(ref target, 32);
        b1.StoreUnsafe(ref target, 40);
        c0.StoreUnsafe(ref target, 64);
        c1.StoreUnsafe(ref target, 72);
        d0.StoreUnsafe(ref target, 96);
        d1.StoreUnsafe(ref target, 104);
    }
}
