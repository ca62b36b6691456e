namespace Clado.Allocation.Solver;

/// <summary>
/// Multi-start local search: from several feasible choices, the best change of one layer or exchange between two layers, until none helps.
/// Alone it is for problems too large for a relaxation. Deterministic: the starts come from a fixed seed.
/// </summary>
public sealed class LocalSearchAllocator : IAllocator
{
    private const int DefaultStartCount = 32, DefaultSeed = 1;

    /// <summary>Number of starts. Range: [1, inf). Default: 32.</summary>
    public int StartCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = DefaultStartCount;

    /// <summary>Seed of the random starts.</summary>
    public int Seed { get; init; } = DefaultSeed;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return Best(problem, StartCount, Seed, cancellation) is { } best
            ? AllocationSolution.Of(problem, best, SeparableBound.Compute(problem))
            : AllocationSolution.None;
    }

    /// <summary>The best choice found from the default starts, null where none exists.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="cancellation">Ends early with the best choice so far.</param>
    internal static int[]? Best(AllocationProblem problem, CancellationToken cancellation) => Best(problem, DefaultStartCount, DefaultSeed, cancellation);

    /// <summary>A choice improved until no change of one layer and no exchange between two helps.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="from">A choice within the budgets. Shape: [layers].</param>
    /// <param name="cancellation">Ends early.</param>
    internal static int[] Improve(AllocationProblem problem, int[] from, CancellationToken cancellation)
    {
        var state = new LocalSearchState(problem, [.. from]);
        while (!cancellation.IsCancellationRequested && (state.TryChangeOne() || state.TryExchange(cancellation)))
        {
        }
        return state.Choice;
    }

    private static int[]? Best(AllocationProblem problem, int startCount, int seed, CancellationToken cancellation)
    {
        if (FeasibleChoice.Find(problem) is not { } cheapest)
        {
            return null;
        }
        int[] best = Improve(problem, cheapest, cancellation);
        double least = problem.Objective(best);
        var random = new Random(seed);
        for (int start = 1; start < startCount && !cancellation.IsCancellationRequested; start++)
        {
            // The first is the answer without cross terms; of the others half shake the best choice so far, half are anywhere.
            int[]? choice = start == 1
                ? Rounding.Within(problem, SeparableBound.OwnChoice(problem), cancellation)
                : Improve(problem, Shake(problem, start % 2 == 0 ? cheapest : best, random), cancellation);
            if (choice is not null && problem.Objective(choice) is var objective && objective < least)
            {
                (best, least) = (choice, objective);
            }
        }
        return best;
    }

    private static int[] Shake(AllocationProblem problem, int[] from, Random random)
    {
        int[] choice = [.. from];
        long[] left = [.. problem.Budgets.Zip(problem.CostsOf(choice), (budget, cost) => budget - cost)];
        for (int change = 0; change < Math.Max(2, problem.LayerCount / 3); change++)
        {
            int layer = random.Next(problem.LayerCount), kept = choice[layer], other = random.Next(problem.Start[layer], problem.Start[layer + 1]);
            if (problem.Costs.Zip(left, (cost, rest) => cost[other] - cost[kept] <= rest).All(fits => fits))
            {
                choice[layer] = other;
                for (int k = 0; k < left.Length; k++)
                {
                    left[k] -= problem.Costs[k][other] - problem.Costs[k][kept];
                }
            }
        }
        return choice;
    }
}
