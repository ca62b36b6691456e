using MathNet.Numerics.LinearAlgebra;

namespace Clado.Sensitivity;

/// <summary>Projection on the cone of positive semidefinite matrices.</summary>
internal static class SpectralProjection
{
    /// <summary>
    /// Sets the negative eigenvalues of a symmetric matrix to zero. That is the nearest semidefinite matrix in the Frobenius norm
    /// (Higham 1988).
    /// </summary>
    /// <param name="matrix">Symmetric. Shape: [n, n], row-major.</param>
    /// <param name="n">Order of the matrix.</param>
    /// <returns>The projected matrix, Shape: [n, n], and all eigenvalues ascending, Shape: [n].</returns>
    public static (double[] Projected, double[] Eigenvalues) Project(double[] matrix, int n)
    {
        var decomposition = Matrix<double>.Build.Dense(n, n, [.. matrix]).Evd(Symmetricity.Symmetric);
        double[] values = [.. decomposition.EigenValues.Select(v => v.Real)];
        var projected = (double[])matrix.Clone();
        // Subtracting the negative part instead of summing the positive one leaves a semidefinite matrix as it is, to the last bit.
        for (int k = 0; k < n; k++)
        {
            if (values[k] < 0)
            {
                var vector = decomposition.EigenVectors.Column(k);
                for (int i = 0; i < n; i++)
                {
                    double scaled = values[k] * vector[i];
                    for (int j = 0; j <= i; j++)
                    {
                        projected[(i * n) + j] -= scaled * vector[j];
                    }
                }
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = i + 1; j < n; j++)
            {
                projected[(i * n) + j] = projected[(j * n) + i];
            }
        }
        Array.Sort(values);
        return (projected, values);
    }

    /// <summary>
    /// Projects a matrix in units of its own diagonal: <c>G_ij / √(G_ii G_jj)</c> is projected, then scaled back. Frobenius' norm weighs
    /// entries by their size, so that the noise of large ones goes into small ones; here every candidate counts alike.
    /// </summary>
    /// <param name="matrix">Symmetric. Shape: [n, n], row-major.</param>
    /// <param name="n">Order of the matrix.</param>
    /// <returns>The projected matrix. Shape: [n, n].</returns>
    public static double[] ProjectRelative(double[] matrix, int n)
    {
        double[] diagonal = [.. Enumerable.Range(0, n).Select(i => matrix[(i * n) + i])];
        double least = diagonal.Where(value => value > 0).DefaultIfEmpty(1).Min();
        double[] unit = [.. diagonal.Select(value => Math.Sqrt(Math.Max(value, least)))];
        var (projected, _) = Project([.. matrix.Select((value, i) => value / (unit[i / n] * unit[i % n]))], n);
        return [.. projected.Select((value, i) => value * unit[i / n] * unit[i % n])];
    }
}
