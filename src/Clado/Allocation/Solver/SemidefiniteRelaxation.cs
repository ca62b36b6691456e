using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// The semidefinite relaxation of a lifted problem: minimise <c>⟨C, X⟩</c> over positive semidefinite X whose known products of atoms hold.
/// Its dual chooses a multiplier for every product such that <c>Z = C − Σ multiplier · product</c> stays positive definite. That is the
/// best shift of the diagonal and of the free entries between the widths of one layer at once (Billionnet, Elloumi and Plateau, Discrete
/// Applied Mathematics 157, 2009, "QCR"). Every dual iterate is a certified bound. Solved by the primal-dual interior-point method of
/// Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J. Optim. 6, 1996).
/// </summary>
internal sealed class SemidefiniteRelaxation
{
    // An interior-point method takes 12 to 25 steps here; past this many it has stalled in rounding.
    private const int StepLimit = 60;

    private readonly LiftedProblem lifted;
    private readonly ValueBounds values;
    private readonly PrimalDualPoint point;
    private readonly AtomGrams grams;
    private readonly NewtonStep step;

    // The objective of the last X, and the least of those that keep all equations.
    private double objective, ceiling = double.PositiveInfinity;

    /// <summary>Prepares the relaxation.</summary>
    /// <param name="lifted">The problem.</param>
    /// <param name="range">Values of a budget that bounds are wanted for; the problem is lifted at one of them.</param>
    /// <param name="at">Index of the value it is lifted at.</param>
    /// <param name="threadCount">Threads; the result does not depend on it.</param>
    public SemidefiniteRelaxation(LiftedProblem lifted, BudgetRange range, int at, int threadCount = 1)
    {
        this.lifted = lifted;
        values = new ValueBounds(lifted, range, at);
        point = new PrimalDualPoint(lifted, threadCount);
        grams = new AtomGrams(lifted, point);
        step = new NewtonStep(lifted, point, grams, threadCount);
        Choice = new RelaxedChoice(lifted, point, grams);
    }

    /// <summary>No choice of the lifted problem has an objective below this.</summary>
    public double Bound => values.Own;

    /// <summary>The same at every value of the budget. Shape: [values].</summary>
    public double[] Bounds => values.Bounds;

    /// <summary>The relaxed choice.</summary>
    public RelaxedChoice Choice { get; }

    /// <summary>No choice with this candidate has an objective below this.</summary>
    /// <param name="candidate">Index into the lifted problem's candidates.</param>
    /// <returns>At every value of the budget. Shape: [values].</returns>
    public double[] BoundsWith(int candidate) => values.Along(Choice.LeastWith(candidate), grams.Multiplier[values.PricedProduct]);

    /// <summary>
    /// About the least the relaxation can be brought to with this candidate; infinite where there is no relaxed choice yet.
    /// </summary>
    /// <param name="candidate">Index into the lifted problem's candidates.</param>
    public double ObjectiveWith(int candidate) =>
        double.IsInfinity(ceiling) ? double.PositiveInfinity : objective + Choice.RiseWith(candidate);

    /// <summary>How much a product's multiplier counts for in the bound: known products that count for nothing can be forgotten.</summary>
    /// <param name="product">Index of the product.</param>
    public double Weight(int product) => point.Multiplier[product];

    /// <summary>Improves the bounds until each reaches its cutoff, cannot reach it, or is as good as the relaxation gets.</summary>
    /// <param name="cutoffs">Bounds of this much are enough. Shape: [values].</param>
    /// <param name="tolerance">
    /// Ends where the ceiling is this close to the bound, as a share of the distance from bound to cutoff. Range: (0, 1].
    /// </param>
    /// <param name="cancellation">Ends early with the bound so far.</param>
    public void Solve(double[] cutoffs, double tolerance, CancellationToken cancellation)
    {
        bool isFeasible = false, isFactored = CentredStart.TrySet(lifted, point);
        for (int count = 0; isFactored; count++)
        {
            values.Raise(point.CertifiedBound, point.Multiplier[values.PricedProduct]);
            if (count == StepLimit || cancellation.IsCancellationRequested)
            {
                return;
            }
            grams.Update();
            double complementarity = Complementarity();
            objective = point.Multiplier[0] + complementarity;
            ceiling = isFeasible ? Math.Min(ceiling, objective) : ceiling;
            if (IsEnough(cutoffs, tolerance) || !step.TryFind(complementarity))
            {
                return;
            }
            step.Take();
            isFeasible |= step.IsFeasible;
            isFactored = point.TryFactor();
        }
    }

    /// <summary><c>⟨X, Z⟩</c> and that of the slacks: how far objective and bound are apart.</summary>
    private double Complementarity()
    {
        double sum = TensorPrimitives.Dot<double>(point.Primal, point.Dual);
        for (int i = lifted.FreeCount; i < lifted.Products.Length; i++)
        {
            sum += point.Slack[i] * point.Multiplier[i];
        }
        return sum;
    }

    private bool IsEnough(double[] cutoffs, double tolerance) =>
        Bounds.Zip(cutoffs).All(pair => pair.First >= pair.Second || ceiling - Bound <= tolerance * (pair.Second - pair.First));
}
