using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Clado.Numerics;

/// <summary>
/// Sums of rows, each times a coefficient: the inner loop of the small parts of dense matrices. It reads memory in order, is vectorised,
/// takes four rows at a time and skips coefficients that are 0.
/// </summary>
internal static class RowSums
{
    // Rows added in one pass over the target, which is read and written once for them.
    private const int Together = 4;

    /// <summary><c>target += sign · Σ_k coefficients[k] · rows[k]</c>.</summary>
    /// <param name="target">Shape: [columns].</param>
    /// <param name="coefficients">Shape: [rows].</param>
    /// <param name="rows">Row k begins at <c>k · stride</c>. Shape: [rows, columns].</param>
    /// <param name="stride">Distance of two rows.</param>
    /// <param name="sign">1 or −1.</param>
    public static void Add(Span<double> target, Coefficients coefficients, ReadOnlySpan<double> rows, int stride, double sign = 1)
    {
        Span<double> factor = stackalloc double[Together];
        Span<int> at = stackalloc int[Together];
        int pending = 0;
        for (int k = 0; k < coefficients.Count; k++)
        {
            if (coefficients[k] is var value && value != 0)
            {
                (factor[pending], at[pending]) = (sign * value, k * stride);
                if (++pending == Together)
                {
                    AddFour(target, factor, rows, at);
                    pending = 0;
                }
            }
        }
        for (int k = 0; k < pending; k++)
        {
            TensorPrimitives.MultiplyAdd(rows.Slice(at[k], target.Length), factor[k], target, target);
        }
    }

    private static void AddFour(Span<double> target, ReadOnlySpan<double> factor, ReadOnlySpan<double> rows, ReadOnlySpan<int> at)
    {
        ref double t = ref MemoryMarshal.GetReference(target);
        ref double a = ref MemoryMarshal.GetReference(rows.Slice(at[0], target.Length));
        ref double b = ref MemoryMarshal.GetReference(rows.Slice(at[1], target.Length));
        ref double c = ref MemoryMarshal.GetReference(rows.Slice(at[2], target.Length));
        ref double d = ref MemoryMarshal.GetReference(rows.Slice(at[3], target.Length));
        Vector<double> fa = new(factor[0]), fb = new(factor[1]), fc = new(factor[2]), fd = new(factor[3]);
        int length = target.Length, j = 0;
        for (; j <= length - Vector<double>.Count; j += Vector<double>.Count)
        {
            nuint from = (nuint)j;
            var sum = Vector.FusedMultiplyAdd(fa, Vector.LoadUnsafe(ref a, from), Vector.LoadUnsafe(ref t, from));
            sum = Vector.FusedMultiplyAdd(fb, Vector.LoadUnsafe(ref b, from), sum);
            sum = Vector.FusedMultiplyAdd(fc, Vector.LoadUnsafe(ref c, from), sum);
            Vector.FusedMultiplyAdd(fd, Vector.LoadUnsafe(ref d, from), sum).StoreUnsafe(ref t, from);
        }
        for (; j < length; j++)
        {
            target[j] += (factor[0] * rows[at[0] + j]) + (factor[1] * rows[at[1] + j])
                + (factor[2] * rows[at[2] + j]) + (factor[3] * rows[at[3] + j]);
        }
    }
}

/// <summary>Numbers at equal distances: a row or a column of a matrix.</summary>
/// <param name="values">Begins with the first number.</param>
/// <param name="stride">Distance of two numbers.</param>
/// <param name="count">How many there are.</param>
internal readonly ref struct Coefficients(ReadOnlySpan<double> values, int stride, int count)
{
    private readonly ReadOnlySpan<double> values = values;

    /// <summary>How many numbers there are.</summary>
    public int Count { get; } = count;

    /// <summary>The number of an index.</summary>
    /// <param name="index">Range: [0, count).</param>
    public double this[int index] => values[index * stride];
}
