namespace Clado.Allocation.Solver;

/// <summary>A choice within the budgets, or none.</summary>
/// <param name="Choice">The choice; null where there is none, or none was found. Shape: [layers].</param>
/// <param name="IsProven">Whether that is certain: no more than one budget, or the search for it ended by itself.</param>
internal sealed record FeasibleChoice(int[]? Choice, bool IsProven)
{
    /// <summary>
    /// One budget: each layer's cheapest candidate. Several: steps that lower the summed excess, and where these get stuck the exact least
    /// of the first budget's cost under the others, which is a separable problem. With charges, so for every set of kinds until one has a
    /// choice.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="cancellation">Ends early.</param>
    public static FeasibleChoice Find(AllocationProblem problem, CancellationToken cancellation)
    {
        bool isProven = true;
        // All kinds first: where there is room for them nothing is ruled out by them.
        foreach (int set in problem.KindSets().Reverse())
        {
            var (part, rows) = problem.Only(set)!.Value;
            var found = Plain(part, cancellation);
            if (found.Choice is { } choice)
            {
                return new([.. choice.Select(a => rows[a])], true);
            }
            isProven &= found.IsProven;
        }
        return new(null, isProven);
    }

    private static FeasibleChoice Plain(AllocationProblem problem, CancellationToken cancellation)
    {
        double Share(int a) => problem.Costs.Zip(problem.Budgets, (cost, budget) => (double)cost[a] / Math.Max(1, budget)).Sum();
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer => problem.CandidatesOf(layer).MinBy(Share))];
        if (problem.Budgets.Any(budget => budget < 0) || (problem.Budgets.Count == 1 && !problem.IsFeasible(choice)))
        {
            return new(null, true);
        }
        return TryDescend(problem, choice) ? new(choice, true) : Exact(problem, cancellation);
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

    private static FeasibleChoice Exact(AllocationProblem problem, CancellationToken cancellation)
    {
        int n = problem.CandidateCount;
        var first = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            first[(a * n) + a] = problem.Costs[0][a];
        }
        var least = new DynamicProgrammingAllocator().Solve(
            new AllocationProblem(first, problem.LayerOf, [.. problem.Costs.Skip(1)], [.. problem.Budgets.Skip(1)]), cancellation);
        return least.Choice.Length > 0 && problem.IsFeasible(least.Choice)
            ? new(least.Choice, true)
            : new(null, least.Status is AllocationStatus.Optimal or AllocationStatus.Infeasible);
    }
}
