namespace Clado.Allocation.Solver;

/// <summary>
/// Exact for separable problems (no cross terms between layers): layer by layer, the list of partial choices that no other beats in objective and
/// every cost (Nemhauser and Ullmann, Management Science 15, 1969). Costs are not made into a table, so budgets of many bytes cost nothing.
/// </summary>
public sealed class DynamicProgrammingAllocator : IAllocator
{
    /// <summary>Whether all entries between different layers are zero.</summary>
    /// <param name="problem">The problem.</param>
    public static bool IsSeparable(AllocationProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        int n = problem.CandidateCount;
        for (int a = 0; a < n; a++)
        {
            var row = problem.Matrix.AsSpan(a * n, n);
            int layer = problem.LayerOf[a];
            if (row[..problem.Start[layer]].ContainsAnyExcept(0.0) || row[problem.Start[layer + 1]..].ContainsAnyExcept(0.0))
            {
                return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The problem is not separable.</exception>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (!IsSeparable(problem))
        {
            throw new ArgumentException("dynamic programming wants a matrix without entries between layers", nameof(problem));
        }
        int[]? known = LocalSearchAllocator.Best(problem, cancellation);
        double ceiling = known is null ? double.PositiveInfinity : problem.Objective(known);
        var rest = new Remainder(problem);
        List<Partial> front = [new(0, new long[problem.Budgets.Count], -1, null)];
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            if (cancellation.IsCancellationRequested)
            {
                return known is null
                    ? AllocationSolution.None with { Bound = double.NegativeInfinity }
                    : AllocationSolution.Of(problem, known, SeparableBound.Compute(problem));
            }
            var next = new List<Partial>();
            foreach (var partial in front)
            {
                for (int a = problem.Start[layer]; a < problem.Start[layer + 1]; a++)
                {
                    var extended = new Partial(
                        partial.Objective + problem.Matrix[(a * problem.CandidateCount) + a], [.. partial.Costs.Select((cost, k) => cost + problem.Costs[k][a])], a, partial);
                    if (rest.MayBeat(extended.Objective, extended.Costs, layer + 1, ceiling))
                    {
                        next.Add(extended);
                    }
                }
            }
            front = Undominated(next);
        }
        if (front.MinBy(partial => partial.Objective) is not { } best)
        {
            return known is null ? AllocationSolution.None : AllocationSolution.Of(problem, known, problem.Objective(known));
        }
        var choice = new int[problem.LayerCount];
        for (var (partial, layer) = (best, problem.LayerCount - 1); layer >= 0; (partial, layer) = (partial.Before!, layer - 1))
        {
            choice[layer] = partial.Candidate;
        }
        return AllocationSolution.Of(problem, choice, problem.Objective(choice));
    }

    /// <summary>Keeps what no other beats; with one budget, in one pass over the costs in order.</summary>
    private static List<Partial> Undominated(List<Partial> all)
    {
        var kept = new List<Partial>();
        // Lexicographic order: whatever beats a partial choice comes before it.
        all.Sort((x, y) => Compare(x, y));
        foreach (var partial in all)
        {
            bool beaten = partial.Costs.Length <= 1
                ? kept.Count > 0 && kept[^1].Objective <= partial.Objective
                : kept.Exists(other => other.Objective <= partial.Objective && other.Costs.Zip(partial.Costs, (mine, theirs) => mine <= theirs).All(less => less));
            if (!beaten)
            {
                kept.Add(partial);
            }
        }
        return kept;
    }

    private static int Compare(Partial x, Partial y)
    {
        for (int k = 0; k < x.Costs.Length; k++)
        {
            if (x.Costs[k] != y.Costs[k])
            {
                return x.Costs[k].CompareTo(y.Costs[k]);
            }
        }
        return x.Objective.CompareTo(y.Objective);
    }

    private sealed record Partial(double Objective, long[] Costs, int Candidate, Partial? Before);

    /// <summary>What the layers still to come cost and add at least.</summary>
    private sealed class Remainder
    {
        // Partial sums are rounded: keep what ties with the ceiling.
        private const double Slack = 1e-12;

        private readonly AllocationProblem problem;
        private readonly long[][] leastCost;
        private readonly (double Multiplier, double[] Sum)[] priced;

        public Remainder(AllocationProblem problem)
        {
            this.problem = problem;
            leastCost = [.. problem.Costs.Select(cost => Suffixes(a => cost[a], (x, y) => x + y))];
            priced = [.. problem.Costs.Select((cost, k) =>
            {
                double multiplier = SeparableBound.Multiplier(problem, k);
                return (multiplier, Suffixes(a => problem.Matrix[(a * problem.CandidateCount) + a] + (multiplier * cost[a]), (x, y) => x + y));
            })];
        }

        public bool MayBeat(double objective, long[] costs, int layer, double ceiling)
        {
            for (int k = 0; k < costs.Length; k++)
            {
                var (multiplier, sum) = priced[k];
                double charged = multiplier * (costs[k] - problem.Budgets[k]);
                if (costs[k] + leastCost[k][layer] > problem.Budgets[k]
                    || objective + charged + sum[layer] > ceiling + (Slack * (Math.Abs(ceiling) + Math.Abs(charged) + Math.Abs(sum[0]))))
                {
                    return false;
                }
            }
            return true;
        }

        private T[] Suffixes<T>(Func<int, T> value, Func<T, T, T> add)
            where T : struct
        {
            var sums = new T[problem.LayerCount + 1];
            for (int layer = problem.LayerCount - 1; layer >= 0; layer--)
            {
                sums[layer] = add(sums[layer + 1], Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Min(value));
            }
            return sums;
        }
    }
}
