namespace Clado.Allocation.Solver;

/// <summary>
/// Iterated local search: the best change of one layer or exchange between two layers until none helps, then again from the best choice
/// with a few layers changed at random. Alone it is for problems too large for a relaxation. Deterministic: the starts come from a fixed
/// seed.
/// </summary>
internal sealed class LocalSearchAllocator : IAllocator
{
    // Starts, of a search by itself and before branch and bound. Any seed will do; it is fixed so that answers repeat.
    private const int DefaultStartCount = 100, DefaultSeed = 1;

    // Layers a start changes of the best choice so far: fewer lead back to it, more lose what is good in it. On ResNet-56 at 13 budgets the
    // choices are 1 % above the best on average; with a third of the layers changed within the budgets they were 5 %.
    private const int FewestChanges = 3, MostChanges = 8;

    /// <summary>Number of starts. Range: [1, inf). Default: 100.</summary>
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

    // How many layers a start around a relaxed choice draws anew by their shares; most are decided and stay.
    private const double ChangedShare = 0.5;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var (best, isProven) = Best(problem, StartCount, Seed, cancellation);
        return best is null ? AllocationSolution.None(isProven) : AllocationSolution.Of(problem, best, SeparableBound.Compute(problem));
    }

    /// <summary>The best choice found from the default starts.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="cancellation">Ends early with the best choice so far.</param>
    public static FeasibleChoice Best(AllocationProblem problem, CancellationToken cancellation) =>
        Best(problem, DefaultStartCount, DefaultSeed, cancellation);

    /// <summary>The best choice found around one by changing what a relaxed choice leaves undecided.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="from">A choice within the budgets. Shape: [layers].</param>
    /// <param name="share">Share of each candidate in the relaxed choice. Shape: [n].</param>
    /// <param name="startCount">Number of starts.</param>
    /// <param name="cancellation">Ends early with the best choice so far.</param>
    public static int[] Around(AllocationProblem problem, int[] from, double[] share, int startCount, CancellationToken cancellation)
    {
        var (best, least, random) = (from, problem.Objective(from), new Random(DefaultSeed));
        for (int start = 0; start < startCount && !cancellation.IsCancellationRequested; start++)
        {
            int[] choice = [.. best];
            for (int layer = 0; layer < choice.Length; layer++)
            {
                // A candidate by its share, in some of the layers.
                double at = random.NextDouble() / ChangedShare;
                for (int a = problem.Start[layer]; a < problem.Start[layer + 1] && at < 1; a++)
                {
                    at -= Math.Max(0, share[a]);
                    if (at < 0)
                    {
                        choice[layer] = a;
                        break;
                    }
                }
            }
            if (RoundingHeuristic.Within(problem, choice, cancellation) is { } next
                && problem.Objective(next) is var objective && objective < least)
            {
                (best, least) = (next, objective);
            }
        }
        return best;
    }

    /// <summary>A choice improved until no change of one layer and no exchange between two helps.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="from">A choice within the budgets. Shape: [layers].</param>
    /// <param name="cancellation">Ends early.</param>
    public static int[] Improve(AllocationProblem problem, int[] from, CancellationToken cancellation)
    {
        var state = new LocalSearchState(problem, [.. from]);
        while (!cancellation.IsCancellationRequested && (state.TryChangeOne() || state.TryExchange(cancellation)))
        {
        }
        return state.Choice;
    }

    private static FeasibleChoice Best(AllocationProblem problem, int startCount, int seed, CancellationToken cancellation)
    {
        var found = FeasibleChoice.Find(problem, cancellation);
        if (found.Choice is not { } cheapest)
        {
            return found;
        }
        int[] best = Improve(problem, cheapest, cancellation);
        foreach (int[] start in Starts(problem))
        {
            if (RoundingHeuristic.Within(problem, start, cancellation) is { } own && problem.Objective(own) < problem.Objective(best))
            {
                best = own;
            }
        }
        return found with { Choice = Iterate(problem, best, startCount - 2, seed, cancellation) };
    }

    /// <summary>
    /// Each layer's best by itself at the price of a budget. With charges, for every set of kinds but those that are part of another one
    /// that keeps the budgets.
    /// </summary>
    private static IEnumerable<int[]> Starts(AllocationProblem problem)
    {
        int[] sets = [.. problem.KindSets().Where(set => problem.Only(set) is var (part, _) && KeepsEachBudget(part))];
        foreach (int set in sets.Where(set => !sets.Any(other => other != set && (other & set) == set)))
        {
            var (part, rows) = problem.Only(set)!.Value;
            yield return [.. SeparableBound.OwnChoice(part).Select(a => rows[a])];
        }
    }

    private static bool KeepsEachBudget(AllocationProblem problem) => problem.Costs.Zip(problem.Budgets).All(pair =>
        Enumerable.Range(0, problem.LayerCount).Sum(layer => problem.CandidatesOf(layer).Min(a => pair.First[a])) <= pair.Second);

    private static int[] Iterate(AllocationProblem problem, int[] best, int startCount, int seed, CancellationToken cancellation)
    {
        double least = problem.Objective(best);
        var random = new Random(seed);
        for (int start = 0; start < startCount && !cancellation.IsCancellationRequested; start++)
        {
            if (RoundingHeuristic.Within(problem, Shake(problem, best, random), cancellation) is { } choice
                && problem.Objective(choice) is var objective && objective < least)
            {
                (best, least) = (choice, objective);
            }
        }
        return best;
    }

    /// <summary>Sets a few layers anywhere, whatever the budgets say: what follows brings it within them.</summary>
    private static int[] Shake(AllocationProblem problem, int[] from, Random random)
    {
        int[] choice = [.. from];
        for (int changes = random.Next(FewestChanges, MostChanges + 1); changes > 0; changes--)
        {
            int layer = random.Next(problem.LayerCount);
            choice[layer] = random.Next(problem.Start[layer], problem.Start[layer + 1]);
        }
        return choice;
    }
}
