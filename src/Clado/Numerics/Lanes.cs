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

    // Elements of a product at once: 32 vectors of so many are 24 KB and stay in the first cache, of 32 KB or more.
    private const int Depth = 192;

    /// <summary>Vectors side by side; zeros beyond the last.</summary>
    /// <param name="vectors">At most 32. Shape: [vectors][elements].</param>
    /// <param name="elements">Elements of each.</param>
    /// <returns>Shape: [elements, 32].</returns>
    public static float[] Interleaved(IReadOnlyList<float[]> vectors, int elements)
    {
        var lanes = new float[elements * Count];
        for (int lane = 0; lane < vectors.Count; lane++)
        {
            var own = vectors[lane];
            for (int i = 0; i < own.Length; i++)
            {
                lanes[(i * Count) + lane] = own[i];
            }
        }
        return lanes;
    }

    /// <summary>One of the vectors. Shape: [elements].</summary>
    /// <param name="lanes">Shape: [elements, 32].</param>
    /// <param name="lane">Which. Range: [0, 32).</param>
    public static float[] Vector(float[] lanes, int lane)
    {
        var vector = new float[lanes.Length / Count];
        for (int i = 0; i < vector.Length; i++)
        {
            vector[i] = lanes[(i * Count) + lane];
        }
        return vector;
    }

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

    /// <summary>
    /// Adds the product of a matrix with every vector: <c>target_i += Σ_k M_ik v_k</c>. What order an entry is summed in depends on its row
    /// alone, not on the machine.
    /// </summary>
    /// <param name="matrix">Its entry (i, k) lies at <c>i · stride + k</c>. Shape: [rows, elements].</param>
    /// <param name="stride">Distance of two rows.</param>
    /// <param name="vectors">Shape: [elements, 32].</param>
    /// <param name="targets">Shape: [rows, 32].</param>
    public static void AddProduct(ReadOnlySpan<float> matrix, int stride, ReadOnlySpan<float> vectors, Span<float> targets)
    {
        int elements = vectors.Length / Count, rows = targets.Length / Count;
        for (int first = 0; first < elements; first += Depth)
        {
            int depth = Math.Min(Depth, elements - first), row = 0;
            var part = vectors.Slice(first * Count, depth * Count);
            for (; row + LaneTile.Rows <= rows; row += LaneTile.Rows)
            {
                LaneTile.Add(matrix[((row * stride) + first)..], stride, part, targets.Slice(row * Count, LaneTile.Rows * Count));
            }
            for (; row < rows; row++)
            {
                Accumulate(matrix.Slice((row * stride) + first, depth), part, targets.Slice(row * Count, Count));
            }
        }
    }
}
