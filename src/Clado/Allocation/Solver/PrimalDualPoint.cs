using Clado.Numerics;

namespace Clado.Allocation.Solver;

/// <summary>
/// A point of the interior-point method: X with the slacks of the products that are at least 0, and a multiplier for every product, which
/// gives <c>Z = C − Σ multiplier · product</c>. X and Z are positive definite.
/// </summary>
/// <param name="lifted">The problem.</param>
/// <param name="threadCount">Threads; the result does not depend on it.</param>
internal sealed class PrimalDualPoint(LiftedProblem lifted, int threadCount)
{
    /// <summary>
    /// What rounding may take from a number, as a share of it: 8 units in the last place. A Cholesky factorisation of order n is off by
    /// about n units at most (Higham, Accuracy and Stability of Numerical Algorithms, theorem 10.3), and by a few in practice.
    /// </summary>
    public const double RoundingUnits = 8 * 1.1e-16;

    private readonly double[] factor = Square(lifted), work = Square(lifted);

    /// <summary>X. Shape: [order, order].</summary>
    public double[] Primal { get; } = Square(lifted);

    /// <summary>What products that are at least 0 are in X; 0 for the others. Shape: [products].</summary>
    public double[] Slack { get; } = new double[lifted.Products.Length];

    /// <summary>Shape: [products].</summary>
    public double[] Multiplier { get; } = new double[lifted.Products.Length];

    /// <summary>Z. Shape: [order, order].</summary>
    public double[] Dual { get; } = Square(lifted);

    /// <summary>Z⁻¹. Shape: [order, order].</summary>
    public double[] Inverse { get; } = Square(lifted);

    /// <summary>No choice of the problem has an objective below this, whatever rounding does.</summary>
    public double CertifiedBound { get; private set; }

    /// <summary>Z, its inverse and the bound of the multipliers.</summary>
    /// <returns>False where Z is not positive definite.</returns>
    public bool TryFactor()
    {
        int order = lifted.Order;
        AssembleDual();
        Dual.CopyTo(factor, 0);
        if (!Cholesky.TryFactor(factor, order, threadCount))
        {
            return false;
        }
        CholeskyInverse.Compute(factor, order, work, Inverse, threadCount);
        double roots = 0;
        for (int p = 0; p < order; p++)
        {
            roots += Math.Sqrt(Dual[(p * order) + p]);
        }
        DenseMatrix.MirrorUpper(Dual, order);
        // The last pivot is the least of [y 1] Z [y 1]ᵀ over all real y.
        CertifiedBound = Multiplier[0] + (factor[^1] * factor[^1]) - (RoundingUnits * roots * roots);
        return true;
    }

    /// <summary>Sets the constant's multiplier so that the bound can still rise by this much: Z's last pivot.</summary>
    /// <param name="rise">The pivot.</param>
    public void SetConstant(double rise)
    {
        int order = lifted.Order;
        Multiplier[0] = 0;
        AssembleDual();
        double constant = Dual[^1];
        Dual[^1] = 0;
        Dual.CopyTo(factor, 0);
        // Ends at the last pivot, which the column above it makes negative; that column is what is wanted.
        Cholesky.TryFactor(factor, order, threadCount);
        double known = 0;
        for (int p = 0; p < order - 1; p++)
        {
            known += factor[(p * order) + order - 1] * factor[(p * order) + order - 1];
        }
        Multiplier[0] = constant - known - rise;
    }

    private void AssembleDual()
    {
        lifted.Matrix.CopyTo(Dual, 0);
        for (int product = 0; product < Multiplier.Length; product++)
        {
            lifted.AddProduct(product, -Multiplier[product], Dual);
        }
    }

    private static double[] Square(LiftedProblem lifted) => new double[lifted.Order * lifted.Order];
}
