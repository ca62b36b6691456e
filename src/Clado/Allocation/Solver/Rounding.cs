namespace Clado.Allocation.Solver;

/// <summary>Turns a relaxed choice into one within the budgets.</summary>
internal static class Rounding
{
    /// <summary>Each layer's largest share, brought within the budgets by the moves that give up least share a saved cost, then improved by local search.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="share">Share of each candidate. Shape: [n].</param>
    /// <param name="cancellation">Ends early.</param>
    /// <returns>Null where no such moves lead within the budgets. Shape: [layers].</returns>
    public static int[]? Choice(AllocationProblem problem, double[] share, CancellationToken cancellation)
    {
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer =>
            Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).MaxBy(a => share[a]))];
        return Repaired(problem, choice, share) ? LocalSearchAllocator.Improve(problem, choice, cancellation) : null;
    }

    /// <summary>A choice brought within the budgets and improved.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="choice">Any choice. Shape: [layers].</param>
    /// <param name="cancellation">Ends early.</param>
    /// <returns>Null where the moves do not lead within the budgets. Shape: [layers].</returns>
    public static int[]? Within(AllocationProblem problem, int[] choice, CancellationToken cancellation)
    {
        var share = new double[problem.CandidateCount];
        foreach (int chosen in choice)
        {
            share[chosen] = 1;
        }
        return Choice(problem, share, cancellation);
    }

    private static bool Repaired(AllocationProblem problem, int[] choice, double[] share)
    {
        long[] excess = [.. problem.CostsOf(choice).Zip(problem.Budgets, (cost, budget) => cost - budget)];
        while (excess.Any(e => e > 0))
        {
            var (move, least) = (-1, double.PositiveInfinity);
            for (int a = 0; a < problem.CandidateCount; a++)
            {
                int old = choice[problem.LayerOf[a]];
                double saved = 0;
                for (int k = 0; k < excess.Length; k++)
                {
                    long change = problem.Costs[k][a] - problem.Costs[k][old];
                    saved += (Math.Max(0, excess[k]) - Math.Max(0, excess[k] + change)) / (double)Math.Max(1, problem.Budgets[k]);
                }
                if (saved > 0 && (1.01 + share[old] - share[a]) / saved is var price && price < least)
                {
                    (move, least) = (a, price);
                }
            }
            if (move < 0)
            {
                return false;
            }
            for (int k = 0; k < excess.Length; k++)
            {
                excess[k] += problem.Costs[k][move] - problem.Costs[k][choice[problem.LayerOf[move]]];
            }
            choice[problem.LayerOf[move]] = move;
        }
        return true;
    }
}
