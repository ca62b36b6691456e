namespace Clado.Allocation.Solver;

/// <summary>X and Z⁻¹ of a point, between every two atoms.</summary>
/// <param name="lifted">The problem.</param>
/// <param name="point">The point.</param>
internal sealed class AtomGrams(LiftedProblem lifted, PrimalDualPoint point)
{
    private readonly double[] half = new double[lifted.Atoms.Length * lifted.Order];

    /// <summary>Number of atoms.</summary>
    public int Count { get; } = lifted.Atoms.Length;

    /// <summary><c>aᵀ X b</c>. Shape: [atoms, atoms].</summary>
    public double[] Primal { get; } = new double[lifted.Atoms.Length * lifted.Atoms.Length];

    /// <summary><c>aᵀ Z⁻¹ b</c>. Shape: [atoms, atoms].</summary>
    public double[] Inverse { get; } = new double[lifted.Atoms.Length * lifted.Atoms.Length];

    /// <summary>The multipliers that they belong to. Shape: [products].</summary>
    public double[] Multiplier { get; } = new double[lifted.Products.Length];

    /// <summary>Brings them to where the point is.</summary>
    public void Update()
    {
        lifted.Gram(point.Primal, half, Primal);
        lifted.Gram(point.Inverse, half, Inverse);
        point.Multiplier.CopyTo(Multiplier, 0);
    }
}
