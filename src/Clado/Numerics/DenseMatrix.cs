namespace Clado.Numerics;

/// <summary>Products and copies of dense square matrices, row-major.</summary>
internal static class DenseMatrix
{
    /// <summary><c>result = A B</c>, quick where A has many zeros.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="b">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="result">Overwritten. Shape: [n, n].</param>
    public static void MultiplySparse(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int n, Span<double> result)
    {
        result[..(n * n)].Clear();
        for (int i = 0; i < n; i++)
        {
            RowSums.Add(result.Slice(i * n, n), new Coefficients(a.Slice(i * n, n), 1, n), b, n);
        }
    }

    /// <summary><c>result = A B</c>.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="b">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    /// <param name="result">Overwritten. Shape: [n, n].</param>
    /// <param name="threadCount">Threads; the product does not depend on it.</param>
    public static void Multiply(double[] a, double[] b, int n, double[] result, int threadCount = 1)
    {
        Array.Clear(result);
        var product = new MatrixProduct(new MatrixBlock(a, 0, n), new MatrixBlock(b, 0, n), new MatrixBlock(result, 0, n), (n, n, n))
        {
            ThreadCount = threadCount,
        };
        product.Add();
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

    /// <summary>Copies what is above the diagonal to below it.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    public static void MirrorUpper(Span<double> a, int n)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = i + 1; j < n; j++)
            {
                a[(j * n) + i] = a[(i * n) + j];
            }
        }
    }

    /// <summary>Copies what is below the diagonal to above it.</summary>
    /// <param name="a">Shape: [n, n].</param>
    /// <param name="n">Order.</param>
    public static void MirrorLower(Span<double> a, int n)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
            {
                a[(j * n) + i] = a[(i * n) + j];
            }
        }
    }
}
