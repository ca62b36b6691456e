namespace Clado.Allocation.Solver;

/// <summary>Turns a relaxed choice into one within the budgets.</summary>
internal static class RoundingHeuristic
{
    /// <summary>
    /// Each layer's largest share, brought within the budgets by the moves that give up least share for what they save, then improved by
    /// local search.
    /// </summary>
    /// <param name="problem">The problem.</param>
    /// <param name="share">Share of each candidate. Shape: [n].</param>
    /// <param name="cancellation">Ends early.</param>
    /// <returns>Null where no such moves lead within the budgets. Shape: [layers].</returns>
    public static int[]? Choice(AllocationProblem problem, double[] share, CancellationToken cancellation)
    {
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer => problem.CandidatesOf(layer).MaxBy(a => share[a]))];
        return TryRepair(problem, choice, share) ? LocalSearchAllocator.Improve(problem, choice, cancellation) : null;
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

    /// <summary>
    /// Moves one layer after the other: the one whose price for a unit saved is least. The price is 1 and the share given up, at least 0,
    /// since shares lie in 0 to 1. Every move saves something, so there is an end.
    /// </summary>
    private static bool TryRepair(AllocationProblem problem, int[] choice, double[] share)
    {
        var costs = new ChoiceCosts(problem, choice);
        while (!costs.AreKept)
        {
            var (move, least) = (-1, double.PositiveInfinity);
            for (int a = 0; a < problem.CandidateCount; a++)
            {
                double saved = Saved(problem, costs, a);
                if (saved > 0 && (1 + share[choice[problem.LayerOf[a]]] - share[a]) / saved is var price && price < least)
                {
                    (move, least) = (a, price);
                }
            }
            if (move < 0)
            {
                return false;
            }
            costs.Set(move);
        }
        return true;
    }

    /// <summary>What a candidate in its layer's place takes off the excess over the budgets, as a share of each.</summary>
    private static double Saved(AllocationProblem problem, ChoiceCosts costs, int candidate)
    {
        double saved = 0;
        for (int k = 0; k < problem.Budgets.Count; k++)
        {
            long slack = costs.Slack(k);
            saved += (Math.Min(0, slack - costs.Change(k, candidate)) - Math.Min(0, slack)) / (double)Math.Max(1, problem.Budgets[k]);
        }
        return saved;
    }
}
