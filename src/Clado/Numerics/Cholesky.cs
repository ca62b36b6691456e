using System.Numerics.Tensors;

namespace Clado.Numerics;

/// <summary>
/// Cholesky factors of dense symmetric matrices, row-major, in double precision. Some rows at a time are factorised as sums of rows; the
/// rows below hear of them by one <see cref="MatrixProduct"/>.
/// </summary>
internal static class Cholesky
{
    // Rows factorised as sums of rows, and the rows of the factor whose products are summed at once.
    private const int BlockRows = 32;

    // Rows found before all rows below hear of them: what is left of a large matrix comes from memory and goes back there each time.
    private const int PassRows = 128;

    // Share of the largest entry, times the order, that an eigenvalue of a semidefinite matrix may lie below 0.
    private const double RoundingShare = 1e-12;

    /// <summary>Overwrites the upper triangle of a symmetric matrix by its Cholesky factor, <c>A = Uᵀ U</c>.</summary>
    /// <param name="a">Upper triangle in, U out; what is below the diagonal is of no meaning. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="threadCount">Threads; the factor does not depend on it.</param>
    /// <returns>False where a pivot is not positive: the matrix is not positive definite.</returns>
    public static bool TryFactor(double[] a, int n, int threadCount = 1)
    {
        for (int start = 0; start < n; start += PassRows)
        {
            int end = Math.Min(n, start + PassRows);
            for (int from = start; from < end; from += BlockRows)
            {
                int to = Math.Min(n, from + BlockRows);
                if (!TryFactorRows(a, n, from, to))
                {
                    return false;
                }
                Subtract(a, n, (from, to), (to, end), threadCount);
            }
            Subtract(a, n, (start, end), (end, n), threadCount);
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
        return TryFactor(raised, n);
    }

    /// <summary>Solves <c>Uᵀ U x = b</c> in place.</summary>
    /// <param name="u">Cholesky factor. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="b">Right-hand side in, x out. Shape: [n].</param>
    public static void Solve(ReadOnlySpan<double> u, int n, Span<double> b)
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

    private static bool TryFactorRows(double[] a, int n, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            var row = a.AsSpan((i * n) + i, n - i);
            RowSums.Add(row, new Coefficients(a.AsSpan((from * n) + i), n, i - from), a.AsSpan((from * n) + i), n, -1);
            // Written so that NaN fails too.
            if (!(row[0] > 0))
            {
                return false;
            }
            TensorPrimitives.Multiply(row, 1 / Math.Sqrt(row[0]), row);
        }
        return true;
    }

    /// <summary>Takes <c>UᵀU</c> of rows of the factor from rows below them.</summary>
    private static void Subtract(double[] a, int n, (int From, int To) factor, (int From, int To) below, int threadCount)
    {
        var above = new MatrixBlock(a, (factor.From * n) + below.From, n);
        var shape = (below.To - below.From, n - below.From, factor.To - factor.From);
        var product = new MatrixProduct(above.Transposed, above, new MatrixBlock(a, (below.From * n) + below.From, n), shape)
        {
            Factor = -1,
            SumDepth = BlockRows,
            UpperOnly = true,
            ThreadCount = threadCount,
        };
        product.Add();
    }
}
