using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Sensitivity;

/// <summary>Scalar products of one row, read from several places on, with several others: as many sums as keep a processor busy.</summary>
internal static class PlaneKernel
{
    /// <summary>Places that the row is read from.</summary>
    public const int Offsets = 3;

    /// <summary>Rows that it is multiplied with.</summary>
    public const int Gradients = 4;

    /// <summary>Multiplies.</summary>
    /// <param name="image">The row.</param>
    /// <param name="from">Where it is read from.</param>
    /// <param name="gradients">The others.</param>
    /// <param name="at">Where they begin.</param>
    /// <param name="length">How long they are: a multiple of 16.</param>
    /// <param name="products">Shape: [gradients, offsets].</param>
    public static void Multiply(
        ReadOnlySpan<float> image, (int A, int B, int C) from, ReadOnlySpan<float> gradients, (int A, int B, int C, int D) at, int length,
        Span<float> products)
    {
        _ = image[Math.Max(from.A, Math.Max(from.B, from.C)) + length - 1];
        _ = gradients[Math.Max(Math.Max(at.A, at.B), Math.Max(at.C, at.D)) + length - 1];
        ref float x = ref MemoryMarshal.GetReference(image), g = ref MemoryMarshal.GetReference(gradients);
        Vector512<float> aa = default, ab = default, ac = default, ba = default, bb = default, bc = default;
        Vector512<float> ca = default, cb = default, cc = default, da = default, db = default, dc = default;
        for (int i = 0; i < length; i += Vector512<float>.Count)
        {
            var (a, b, c) = (Load(ref x, from.A + i), Load(ref x, from.B + i), Load(ref x, from.C + i));
            var own = Load(ref g, at.A + i);
            (aa, ab, ac) = (Fma(a, own, aa), Fma(b, own, ab), Fma(c, own, ac));
            own = Load(ref g, at.B + i);
            (ba, bb, bc) = (Fma(a, own, ba), Fma(b, own, bb), Fma(c, own, bc));
            own = Load(ref g, at.C + i);
            (ca, cb, cc) = (Fma(a, own, ca), Fma(b, own, cb), Fma(c, own, cc));
            own = Load(ref g, at.D + i);
            (da, db, dc) = (Fma(a, own, da), Fma(b, own, db), Fma(c, own, dc));
        }
        (products[0], products[1], products[2]) = (Vector512.Sum(aa), Vector512.Sum(ab), Vector512.Sum(ac));
        (products[3], products[4], products[5]) = (Vector512.Sum(ba), Vector512.Sum(bb), Vector512.Sum(bc));
        (products[6], products[7], products[8]) = (Vector512.Sum(ca), Vector512.Sum(cb), Vector512.Sum(cc));
        (products[9], products[10], products[11]) = (Vector512.Sum(da), Vector512.Sum(db), Vector512.Sum(dc));
    }

    private static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(a, b, sum);

    private static Vector512<float> Load(ref float from, int at) => Vector512.LoadUnsafe(ref from, (nuint)at);
}
