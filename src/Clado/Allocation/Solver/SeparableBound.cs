namespace Clado.Allocation.Solver;

/// <summary>
/// A lower bound for any matrix, indefinite ones included: each candidate is charged its own diagonal and the least it can share with every
/// other layer; the multiple-choice knapsack of these charges is relaxed by a Lagrangian multiplier on one budget at a time.
/// </summary>
internal static class SeparableBound
{
    // Bisection steps on the multiplier. Every multiplier gives a valid bound, so this sets sharpness only.
    private const int Steps = 100;

    /// <summary>A number that no choice within the budgets can go below.</summary>
    public static double Compute(AllocationProblem problem)
    {
        var charges = Charges(problem);
        double bound = LayerMinima(problem, charges, new long[problem.CandidateCount], 0).Sum;
        foreach (var (cost, budget) in problem.Costs.Zip(problem.Budgets))
        {
            bound = Math.Max(bound, Lagrangian(problem, charges, cost, budget));
        }
        // Rounding in sums of n² terms: a bound must stay below the objective it bounds.
        return bound - (1e-12 * charges.Sum(Math.Abs));
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
                    charges[a] += problem.Matrix.AsSpan((a * n) + problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Min();
                }
            }
        }
        return charges;
    }

    private static double Min(this ReadOnlySpan<double> values) => System.Numerics.Tensors.TensorPrimitives.Min(values);

    private static double Min(this Span<double> values) => Min((ReadOnlySpan<double>)values);

    /// <summary>max over λ ≥ 0 of min over choices of charges + λ (cost − budget): concave in λ, its slope is cost − budget.</summary>
    private static double Lagrangian(AllocationProblem problem, double[] charges, long[] cost, long budget)
    {
        var (sum, spent) = LayerMinima(problem, charges, cost, 0);
        if (spent <= budget)
        {
            return sum;
        }
        double low = 0, high = 1e-12, best = sum;
        while (LayerMinima(problem, charges, cost, high).Cost > budget && high < 1e12)
        {
            high *= 4;
        }
        for (int step = 0; step < Steps; step++)
        {
            double multiplier = (low + high) / 2;
            (sum, spent) = LayerMinima(problem, charges, cost, multiplier);
            best = Math.Max(best, sum - (multiplier * budget));
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
