using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>
/// A lower bound for any matrix, indefinite ones included: each candidate is charged its own diagonal and the least it can share with every
/// other layer; the multiple-choice knapsack of these charges is relaxed by a Lagrangian multiplier on one budget at a time.
/// </summary>
internal static class SeparableBound
{
    // Bisection steps on the multiplier: more than a double has bits, so no step is left to make. Every multiplier gives a valid bound, so
    // this sets sharpness only.
    private const int Steps = 100;

    // Where the search for a multiplier that keeps the budget begins, how it grows, and where it ends. Objectives are nats and costs bytes
    // or more: prices lie far inside, and a price at the end still gives a valid bound.
    private const double LeastMultiplier = 1e-12, Growth = 4, MostMultiplier = 1e12;

    // Rounding in sums of n² terms, as a share of their magnitudes: n times the unit in the last place, for thousands of candidates.
    private const double RoundingShare = 1e-12;

    /// <summary>A number that no choice within the budgets can go below.</summary>
    public static double Compute(AllocationProblem problem)
    {
        var charges = Charges(problem);
        double bound = LayerMinima(problem, charges, new long[problem.CandidateCount], 0).Sum;
        foreach (var (cost, budget) in problem.Costs.Zip(problem.Budgets))
        {
            bound = Math.Max(bound, Lagrangian(problem, charges, cost, budget).Bound);
        }
        // A bound must stay below the objective it bounds.
        return bound - (RoundingShare * charges.Sum(Math.Abs));
    }

    /// <summary>The price of a unit of one budget's cost at which the bound is best.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="budget">Index of the budget.</param>
    public static double Multiplier(AllocationProblem problem, int budget) =>
        Lagrangian(problem, Charges(problem), problem.Costs[budget], problem.Budgets[budget]).Multiplier;

    /// <summary>
    /// Each layer's best candidate by its own diagonal entry and its cost at the price of one budget: the one whose price gives the best
    /// bound.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <returns>May break the budgets. Shape: [layers].</returns>
    public static int[] OwnChoice(AllocationProblem problem)
    {
        double[] own = [.. Enumerable.Range(0, problem.CandidateCount).Select(a => problem.Matrix[(a * problem.CandidateCount) + a])];
        var best = (Bound: double.NegativeInfinity, Multiplier: 0.0);
        long[] priced = new long[own.Length];
        foreach (var (cost, budget) in problem.Costs.Zip(problem.Budgets))
        {
            if (Lagrangian(problem, own, cost, budget) is var found && found.Bound > best.Bound)
            {
                (best, priced) = (found, cost);
            }
        }
        return [.. Enumerable.Range(0, problem.LayerCount).Select(layer =>
            problem.CandidatesOf(layer).MinBy(a => own[a] + (best.Multiplier * priced[a])))];
    }

    private static double[] Charges(AllocationProblem problem)
    {
        int n = problem.CandidateCount;
        var charges = new double[n];
        for (int a = 0; a < n; a++)
        {
            charges[a] = problem.Matrix[(a * n) + a];
            for (int layer = 0; layer < problem.LayerCount; layer++)
            {
                if (layer != problem.LayerOf[a])
                {
                    int from = problem.Start[layer], to = problem.Start[layer + 1];
                    charges[a] += TensorPrimitives.Min<double>(problem.Matrix.AsSpan((a * n) + from, to - from));
                }
            }
        }
        return charges;
    }

    /// <summary>max over λ ≥ 0 of min over choices of charges + λ (cost − budget): concave in λ, its slope is cost − budget.</summary>
    private static (double Bound, double Multiplier) Lagrangian(AllocationProblem problem, double[] charges, long[] cost, long budget)
    {
        var (sum, spent) = LayerMinima(problem, charges, cost, 0);
        if (spent <= budget)
        {
            return (sum, 0);
        }
        double low = 0, high = LeastMultiplier;
        var best = (Bound: sum, Multiplier: 0.0);
        while (LayerMinima(problem, charges, cost, high).Cost > budget && high < MostMultiplier)
        {
            high *= Growth;
        }
        for (int step = 0; step < Steps; step++)
        {
            double multiplier = (low + high) / 2;
            (sum, spent) = LayerMinima(problem, charges, cost, multiplier);
            if (sum - (multiplier * budget) is var bound && bound > best.Bound)
            {
                best = (bound, multiplier);
            }
            (low, high) = spent > budget ? (multiplier, high) : (low, multiplier);
        }
        return best;
    }

    private static (double Sum, long Cost) LayerMinima(AllocationProblem problem, double[] charges, long[] cost, double multiplier)
    {
        double sum = 0;
        long spent = 0;
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            int best = problem.Start[layer];
            for (int a = best + 1; a < problem.Start[layer + 1]; a++)
            {
                if (charges[a] + (multiplier * cost[a]) < charges[best] + (multiplier * cost[best]))
                {
                    best = a;
                }
            }
            sum += charges[best] + (multiplier * cost[best]);
            spent += cost[best];
        }
        return (sum, spent);
    }
}
