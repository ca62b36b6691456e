namespace Clado.Allocation.Solver;

/// <summary>
/// Multi-start local search: from several feasible choices, the best change of one layer or exchange between two layers, until none helps.
/// Deterministic: the starts come from a fixed seed.
/// </summary>
public sealed class LocalSearchAllocator : IAllocator
{
    /// <summary>Number of starts. Range: [1, inf). Default: 32.</summary>
    public int StartCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 32;

    /// <summary>Seed of the random starts.</summary>
    public int Seed { get; init; } = 1;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return Best(problem, cancellation) is { } best ? AllocationSolution.Of(problem, best, SeparableBound.Compute(problem)) : AllocationSolution.None;
    }
    internal static int[]? Best(AllocationProblem problem, CancellationToken cancellation, int StartCount = 8, int Seed = 1) {
        if (FeasibleStart(problem) is not { } cheapest)
        {
            return null;
        }
        int[] best = Improve(problem, cheapest, cancellation);
        double least = problem.Objective(best);
        var random = new Random(Seed);
        for (int start = 1; start < StartCount && !cancellation.IsCancellationRequested; start++)
        {
            // Half of the starts shake the best choice so far, half are anywhere.
            int[] choice = Improve(problem, Shake(problem, start % 2 == 0 ? cheapest : best, random), cancellation);
            if (problem.Objective(choice) is var objective && objective < least)
            {
                (best, least) = (choice, objective);
            }
        }
        return best;
    }

    /// <summary>A choice within the budgets: each layer's cheapest for one budget; for several, steps that lower the summed excess.</summary>
    internal static int[]? FeasibleStart(AllocationProblem problem)
    {
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer =>
            Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer])
                .MinBy(a => problem.Costs.Zip(problem.Budgets, (cost, budget) => (double)cost[a] / Math.Max(1, budget)).Sum()))];
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
                return null;
            }
            choice[move.Layer] = move.Candidate;
            excess = least;
        }
        return choice;
    }

    private static double Excess(AllocationProblem problem, int[] choice) =>
        problem.CostsOf(choice).Zip(problem.Budgets, (cost, budget) => Math.Max(0, cost - budget) / (double)Math.Max(1, budget)).Sum();

    private static int[] Shake(AllocationProblem problem, int[] from, Random random)
    {
        int[] choice = [.. from];
        for (int change = 0; change < Math.Max(2, problem.LayerCount / 3); change++)
        {
            int layer = random.Next(problem.LayerCount), kept = choice[layer];
            choice[layer] = random.Next(problem.Start[layer], problem.Start[layer + 1]);
            if (!problem.IsFeasible(choice))
            {
                choice[layer] = kept;
            }
        }
        return choice;
    }

    internal static int[] Improve(AllocationProblem problem, int[] from, CancellationToken cancellation)
    {
        var state = new LocalSearchState(problem, [.. from]);
        while (!cancellation.IsCancellationRequested && (state.TryChangeOne() || state.TryExchange()))
        {
        }
        return state.Choice;
    }
}
