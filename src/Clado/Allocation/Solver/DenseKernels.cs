using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Clado.Allocation.Solver;

/// <summary>
/// Products and factorisations of dense symmetric matrices, row-major. Small parts are written as sums of rows, four at a time, so that the one
/// inner loop is contiguous and vectorised and skips zero coefficients; the bulk goes to <see cref="MatrixProduct"/>.
/// </summary>
internal static class DenseKernels
{
    // Rows that are worked off as sums of rows before the rest hears of them by one product, and the columns of the inverse done at once.
    private const int BlockRows = 32, BlockColumns = 128;

    // Share of the largest entry, times the order, that an eigenvalue of a projected matrix may lie below 0.
    private const double RoundingShare = 1e-12;

    // Up to this order an inverse is quicker without copying blocks for the product.
    private const int SmallOrder = 160;

    /// <summary><c>target += Σ_k coefficients[k · stride] · rows[k][from..]</c>.</summary>
    private static void AddRows(
        Span<double> target, ReadOnlySpan<double> coefficients, int stride, int count, ReadOnlySpan<double> rows, int width, int from, double sign)
    {
        Span<double> factor = stackalloc double[4];
        Span<int> row = stackalloc int[4];
        int pending = 0;
        for (int k = 0; k < count; k++)
        {
            if (coefficients[k * stride] is var value && value != 0)
            {
                (factor[pending], row[pending]) = (sign * value, (k * width) + from);
                if (++pending == 4)
                {
                    AddFour(target, factor, rows, row);
                    pending = 0;
                }
            }
        }
        for (int k = 0; k < pending; k++)
        {
            TensorPrimitives.MultiplyAdd(rows.Slice(row[k], target.Length), factor[k], target, target);
        }
    }

    private static void AddFour(Span<double> target, ReadOnlySpan<double> factor, ReadOnlySpan<double> rows, ReadOnlySpan<int> at)
    {
        ref double t = ref MemoryMarshal.GetReference(target);
        ref double a = ref MemoryMarshal.GetReference(rows.Slice(at[0], target.Length));
        ref double b = ref MemoryMarshal.GetReference(rows.Slice(at[1], target.Length));
        ref double c = ref MemoryMarshal.GetReference(rows.Slice(at[2], target.Length));
        ref double d = ref MemoryMarshal.GetReference(rows.Slice(at[3], target.Length));
        var (fa, fb, fc, fd) = (new Vector<double>(factor[0]), new Vector<double>(factor[1]), new Vector<double>(factor[2]), new Vector<double>(factor[3]));
        int length = target.Length, j = 0;
        for (; j <= length - Vector<double>.Count; j += Vector<double>.Count)
        {
            nuint at0 = (nuint)j;
            var sum = Vector.FusedMultiplyAdd(fa, Vector.LoadUnsafe(ref a, at0), Vector.LoadUnsafe(ref t, at0));
            sum = Vector.FusedMultiplyAdd(fb, Vector.LoadUnsafe(ref b, at0), sum);
            sum = Vector.FusedMultiplyAdd(fc, Vector.LoadUnsafe(ref c, at0), sum);
            Vector.FusedMultiplyAdd(fd, Vector.LoadUnsafe(ref d, at0), sum).StoreUnsafe(ref t, at0);
        }
        for (; j < length; j++)
        {
            target[j] += (factor[0] * rows[at[0] + j]) + (factor[1] * rows[at[1] + j]) + (factor[2] * rows[at[2] + j]) + (factor[3] * rows[at[3] + j]);
        }
    }

    /// <summary><c>result = A B</c>, quick where A has many zeros.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="b">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="result">Overwritten. Shape: [n, n].</param>
    public static void Multiply(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int n, Span<double> result)
    {
        result[..(n * n)].Clear();
        for (int i = 0; i < n; i++)
        {
            AddRows(result.Slice(i * n, n), a.Slice(i * n, n), 1, n, b, n, 0, 1);
        }
    }

    /// <summary><c>result = A B</c> of dense matrices.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="b">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="result">Overwritten. Shape: [n, n].</param>
    /// <param name="threadCount">Threads; the product does not depend on it.</param>
    public static void MultiplyDense(double[] a, double[] b, int n, double[] result, int threadCount = 1)
    {
        Array.Clear(result);
        MatrixProduct.Add(1, new MatrixBlock(a, 0, n), new MatrixBlock(b, 0, n), new MatrixBlock(result, 0, n), (n, n, n), false, threadCount);
    }

    /// <summary>Replaces a matrix by the mean of it and its transpose.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    public static void Symmetrize(Span<double> a, int n)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
            {
                a[(i * n) + j] = a[(j * n) + i] = 0.5 * (a[(i * n) + j] + a[(j * n) + i]);
            }
        }
    }

    /// <summary>Overwrites the upper triangle of a symmetric matrix by its Cholesky factor, <c>A = Uᵀ U</c>; false where a pivot is not positive.</summary>
    /// <param name="a">Upper triangle in, U out; what is below the diagonal is of no meaning. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="threadCount">Threads; the factor does not depend on it.</param>
    public static bool TryCholesky(double[] a, int n, int threadCount = 1)
    {
        for (int from = 0; from < n; from += BlockRows)
        {
            int to = Math.Min(n, from + BlockRows);
            for (int i = from; i < to; i++)
            {
                var row = a.AsSpan((i * n) + i, n - i);
                AddRows(row, a.AsSpan((from * n) + i), n, i - from, a.AsSpan(from * n), n, i, -1);
                // Written so that NaN fails too.
                if (!(row[0] > 0))
                {
                    return false;
                }
                TensorPrimitives.Multiply(row, 1 / Math.Sqrt(row[0]), row);
            }
            var above = new MatrixBlock(a, (from * n) + to, n);
            MatrixProduct.Add(-1, above.Transposed, above, new MatrixBlock(a, (to * n) + to, n), (n - to, n - to, to - from), true, threadCount);
        }
        return true;
    }

    /// <summary>Whether a symmetric matrix has no negative eigenvalues but those that rounding makes.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    public static bool IsSemidefinite(double[] a, int n)
    {
        double[] raised = [.. a];
        double rounding = RoundingShare * n * TensorPrimitives.MaxMagnitude<double>(a);
        for (int i = 0; i < n; i++)
        {
            raised[(i * n) + i] += Math.Abs(rounding) + double.Epsilon;
        }
        return TryCholesky(raised, n);
    }

    /// <summary>Solves <c>Uᵀ U x = b</c> in place.</summary>
    /// <param name="u">Cholesky factor. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="b">Right-hand side in, x out. Shape: [n].</param>
    public static void SolveCholesky(ReadOnlySpan<double> u, int n, Span<double> b)
    {
        for (int i = 0; i < n; i++)
        {
            b[i] /= u[(i * n) + i];
            TensorPrimitives.MultiplyAdd(u.Slice((i * n) + i + 1, n - i - 1), -b[i], b[(i + 1)..], b[(i + 1)..]);
        }
        for (int i = n - 1; i >= 0; i--)
        {
            b[i] = (b[i] - TensorPrimitives.Dot(u.Slice((i * n) + i + 1, n - i - 1), b[(i + 1)..])) / u[(i * n) + i];
        }
    }

    /// <summary>The full symmetric inverse from a Cholesky factor: <c>W = U⁻ᵀ</c> row by row, then <c>Wᵀ W</c>.</summary>
    /// <param name="u">Cholesky factor. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="work">Overwritten. Shape: [n, n].</param>
    /// <param name="inverse">The inverse. Shape: [n, n].</param>
    /// <param name="threadCount">Threads; the inverse does not depend on it.</param>
    public static void InvertCholesky(double[] u, int n, double[] work, double[] inverse, int threadCount = 1)
    {
        Array.Clear(work);
        int block = n <= SmallOrder ? n : BlockRows;
        for (int from = 0; from < n; from += block)
        {
            int to = Math.Min(n, from + block);
            for (int column = 0; column < from; column += BlockColumns)
            {
                // W is zero right of its diagonal: these columns begin with the row of the same number.
                MatrixProduct.Add(
                    -1, new MatrixBlock(u, (column * n) + from, n).Transposed, new MatrixBlock(work, (column * n) + column, n),
                    new MatrixBlock(work, (from * n) + column, n), (to - from, Math.Min(BlockColumns, from - column), from - column), false, threadCount);
            }
            for (int i = from; i < to; i++)
            {
                var row = work.AsSpan(i * n, i + 1);
                AddRows(row[..i], u.AsSpan((from * n) + i), n, i - from, work.AsSpan(from * n), n, 0, -1);
                row[i] = 1;
                TensorPrimitives.Divide(row, u[(i * n) + i], row);
            }
        }
        Array.Clear(inverse);
        for (int i = 0; i < n && n <= SmallOrder; i++)
        {
            AddRows(inverse.AsSpan(i * n, i + 1), work.AsSpan((i * n) + i), n, n - i, work.AsSpan(i * n), n, 0, 1);
        }
        for (int from = 0; from < n && n > SmallOrder; from += BlockColumns)
        {
            int to = Math.Min(n, from + BlockColumns);
            MatrixProduct.Add(
                1, new MatrixBlock(work, (from * n) + from, n).Transposed, new MatrixBlock(work, from * n, n),
                new MatrixBlock(inverse, from * n, n), (to - from, to, n - from), false, threadCount);
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
            {
                inverse[(j * n) + i] = inverse[(i * n) + j];
            }
        }
    }
}
