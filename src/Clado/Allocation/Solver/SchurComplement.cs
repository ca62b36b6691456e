using Clado.Numerics;

namespace Clado.Allocation.Solver;

/// <summary>The equations of a step, reduced to the multipliers.</summary>
/// <param name="lifted">The problem.</param>
/// <param name="point">Where the step begins.</param>
/// <param name="grams">The point's matrices between atoms.</param>
/// <param name="threadCount">Threads; the result does not depend on it.</param>
internal sealed class SchurComplement(LiftedProblem lifted, PrimalDualPoint point, AtomGrams grams, int threadCount)
{
    private readonly int count = lifted.Products.Length;
    private readonly double[] matrix = new double[lifted.Products.Length * lifted.Products.Length];

    /// <summary>Sets up the equations of the point.</summary>
    /// <returns>False where rounding leaves no solution.</returns>
    public bool TryFactor()
    {
        for (int i = 0; i < count; i++)
        {
            SetRow(i);
        }
        for (int i = lifted.FreeCount; i < count; i++)
        {
            matrix[(i * count) + i] += point.Slack[i] / point.Multiplier[i];
        }
        return Cholesky.TryFactor(matrix, count, threadCount);
    }

    /// <summary>Solves the equations.</summary>
    /// <param name="right">Right-hand side in, step of the multipliers out. Shape: [products].</param>
    public void Solve(double[] right) => Cholesky.Solve(matrix, count, right);

    /// <summary>A row, from the diagonal on: half of <c>⟨product, Z⁻¹ · other product · X⟩</c>, symmetrised on both sides.</summary>
    private void SetRow(int i)
    {
        var (x, z) = (grams.Primal, grams.Inverse);
        int a = lifted.Products[i].A * grams.Count, b = lifted.Products[i].B * grams.Count;
        for (int j = i; j < count; j++)
        {
            var (c, d) = lifted.Products[j];
            double sum = (x[a + c] * z[b + d]) + (x[a + d] * z[b + c]) + (x[b + c] * z[a + d]) + (x[b + d] * z[a + c]);
            matrix[(i * count) + j] = 0.25 * sum;
        }
    }
}
