using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Numerics;

/// <summary>
/// The sum of the products of two vectors' elements, in double precision. It is summed in eight lanes on any machine, so that every machine
/// gets the same sum; products of single precision are exact.
/// </summary>
internal static class DotProduct
{
    /// <summary><c>Σ_i first[i] · second[i]</c>.</summary>
    /// <param name="first">Shape: [elements].</param>
    /// <param name="second">Shape: [elements].</param>
    public static double Of(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        ref float x = ref MemoryMarshal.GetReference(first);
        ref float y = ref MemoryMarshal.GetReference(second[..first.Length]);
        Vector256<double> low = default, high = default;
        int i = 0;
        for (; i <= first.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var (xLow, xHigh) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)i));
            var (yLow, yHigh) = Vector256.Widen(Vector256.LoadUnsafe(ref y, (nuint)i));
            low += xLow * yLow;
            high += xHigh * yHigh;
        }
        double sum = Vector256.Sum(low + high);
        for (; i < first.Length; i++)
        {
            sum += (double)first[i] * second[i];
        }
        return sum;
    }
}
