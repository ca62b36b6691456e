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
                return null;
            }
            for (int k = 0; k < excess.Length; k++)
            {
                excess[k] += problem.Costs[k][move] - problem.Costs[k][choice[problem.LayerOf[move]]];
            }
            choice[problem.LayerOf[move]] = move;
        }
        return LocalSearchAllocator.Improve(problem, choice, cancellation);
    }
}
