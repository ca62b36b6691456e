using System.Numerics.Tensors;

namespace Clado.Numerics;

/// <summary>The inverse of a symmetric matrix from its Cholesky factor <c>A = Uᵀ U</c>: <c>W = U⁻ᵀ</c>, then <c>A⁻¹ = Wᵀ W</c>.</summary>
internal static class CholeskyInverse
{
    // Rows of W found before the rows below hear of them by one product; as in Cholesky.
    private const int BlockRows = 32;

    // Columns of a product at once: blocks of zeros above the diagonal of W are left out at this grain.
    private const int BlockColumns = 128;

    // Up to this order sums of rows are quicker than copying blocks for a product.
    private const int SmallOrder = 160;

    /// <summary>Computes the full symmetric inverse.</summary>
    /// <param name="u">Cholesky factor. Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="work">Overwritten. Shape: [n, n].</param>
    /// <param name="inverse">The inverse. Shape: [n, n].</param>
    /// <param name="threadCount">Threads; the inverse does not depend on it.</param>
    public static void Compute(double[] u, int n, double[] work, double[] inverse, int threadCount = 1)
    {
        Array.Clear(work);
        Array.Clear(inverse);
        if (n <= SmallOrder)
        {
            SolveRows(u, n, work, 0, n);
            SquareBySums(work, n, inverse);
        }
        else
        {
            for (int from = 0; from < n; from += BlockRows)
            {
                int to = Math.Min(n, from + BlockRows);
                SubtractRowsAbove(u, n, work, (from, to), threadCount);
                SolveRows(u, n, work, from, to);
            }
            SquareByProducts(work, n, inverse, threadCount);
        }
        DenseMatrix.MirrorLower(inverse, n);
    }

    private static void SubtractRowsAbove(double[] u, int n, double[] work, (int From, int To) rows, int threadCount)
    {
        for (int column = 0; column < rows.From; column += BlockColumns)
        {
            // W is zero right of its diagonal: these columns begin with the row of the same number.
            var product = new MatrixProduct(
                new MatrixBlock(u, (column * n) + rows.From, n).Transposed, new MatrixBlock(work, (column * n) + column, n),
                new MatrixBlock(work, (rows.From * n) + column, n),
                (rows.To - rows.From, Math.Min(BlockColumns, rows.From - column), rows.From - column))
            {
                Factor = -1,
                ThreadCount = threadCount,
            };
            product.Add();
        }
    }

    /// <summary>Rows of W, where what the rows above the block take away is gone.</summary>
    private static void SolveRows(double[] u, int n, double[] work, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            var row = work.AsSpan(i * n, i + 1);
            RowSums.Add(row[..i], new Coefficients(u.AsSpan((from * n) + i), n, i - from), work.AsSpan(from * n), n, -1);
            row[i] = 1;
            TensorPrimitives.Divide(row, u[(i * n) + i], row);
        }
    }

    private static void SquareBySums(double[] work, int n, double[] inverse)
    {
        for (int i = 0; i < n; i++)
        {
            RowSums.Add(inverse.AsSpan(i * n, i + 1), new Coefficients(work.AsSpan((i * n) + i), n, n - i), work.AsSpan(i * n), n);
        }
    }

    private static void SquareByProducts(double[] work, int n, double[] inverse, int threadCount)
    {
        for (int from = 0; from < n; from += BlockColumns)
        {
            int to = Math.Min(n, from + BlockColumns);
            var product = new MatrixProduct(
                new MatrixBlock(work, (from * n) + from, n).Transposed, new MatrixBlock(work, from * n, n),
                new MatrixBlock(inverse, from * n, n), (to - from, to, n - from))
            {
                ThreadCount = threadCount,
            };
            product.Add();
        }
    }
}
