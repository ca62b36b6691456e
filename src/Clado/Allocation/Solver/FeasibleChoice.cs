namespace Clado.Allocation.Solver;

/// <summary>A choice within the budgets, or the proof that there is none.</summary>
internal static class FeasibleChoice
{
    /// <summary>
    /// One budget: each layer's cheapest candidate. Several: steps that lower the summed excess, and where these get stuck the exact least of the
    /// first budget's cost under the others, which is a separable problem.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <returns>Null exactly where no choice keeps the budgets. Shape: [layers].</returns>
    public static int[]? Find(AllocationProblem problem)
    {
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer =>
            Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer])
                .MinBy(a => problem.Costs.Zip(problem.Budgets, (cost, budget) => (double)cost[a] / Math.Max(1, budget)).Sum()))];
        if (problem.Budgets.Any(budget => budget < 0) || (problem.Budgets.Count == 1 && !problem.IsFeasible(choice)))
        {
            return null;
        }
        return TryDescend(problem, choice) ? choice : Exact(problem);
    }

    private static bool TryDescend(AllocationProblem problem, int[] choice)
    {
        double excess = Excess(problem, choice);
        while (excess > 0)
        {
            var (move, least) = ((Layer: -1, Candidate: -1), excess);
            for (int layer = 0; layer < problem.LayerCount; layer++)
            {
                int kept = choice[layer];
                for (int a = problem.Start[layer]; a < problem.Start[layer + 1]; a++)
                {
                    choice[layer] = a;
                    if (Excess(problem, choice) is var now && now < least)
                    {
                        (move, least) = ((layer, a), now);
                    }
                }
                choice[layer] = kept;
            }
            if (move.Layer < 0)
            {
                return false;
            }
            choice[move.Layer] = move.Candidate;
            excess = least;
        }
        return true;
    }

    private static double Excess(AllocationProblem problem, int[] choice) =>
        problem.CostsOf(choice).Zip(problem.Budgets, (cost, budget) => Math.Max(0, cost - budget) / (double)Math.Max(1, budget)).Sum();

    private static int[]? Exact(AllocationProblem problem)
    {
        int n = problem.CandidateCount;
        var first = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            first[(a * n) + a] = problem.Costs[0][a];
        }
        int[] choice = new DynamicProgrammingAllocator().Solve(
            new AllocationProblem(first, problem.LayerOf, [.. problem.Costs.Skip(1)], [.. problem.Budgets.Skip(1)])).Choice;
        return choice.Length > 0 && problem.IsFeasible(choice) ? choice : null;
    }
}
