namespace Clado.Allocation.Solver;

/// <summary>
/// The choices for the first layers of a separable problem that no other beats in objective and every cost, and that may still pass a
/// ceiling.
/// </summary>
/// <param name="problem">The problem; has no charges.</param>
/// <param name="ceiling">Objective of a choice that is known.</param>
/// <param name="workLimit">Partial choices made and compared at most.</param>
/// <param name="cancellation">Ends early.</param>
internal sealed class PartialChoices(AllocationProblem problem, double ceiling, double workLimit, CancellationToken cancellation)
{
    // Looks at the limit and at a stop after this many comparisons at the latest: a few milliseconds.
    private const double Interval = 1 << 20;

    private readonly RemainingLayers rest = new(problem);
    private List<Partial> front = [new(0, new long[problem.Budgets.Count], -1, null)];
    private double nextLook = Math.Min(Interval, workLimit);

    /// <summary>Partial choices made and compared so far.</summary>
    public double Work { get; private set; }

    /// <summary>Goes through all layers.</summary>
    /// <returns>False where the limit or a stop ended it: what is there is then of no use.</returns>
    public bool TryExtend()
    {
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            var next = new List<Partial>();
            foreach (var partial in front)
            {
                for (int a = problem.Start[layer]; a < problem.Start[layer + 1]; a++)
                {
                    Extend(partial, a, next);
                }
                if (MustEnd())
                {
                    return false;
                }
            }
            if (!TryReduce(next))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The best choice, once all layers are there; null where none passes the ceiling. Shape: [layers].</summary>
    public int[]? Best()
    {
        if (front.MinBy(partial => partial.Objective) is not { } best)
        {
            return null;
        }
        var choice = new int[problem.LayerCount];
        for (var (partial, layer) = (best, problem.LayerCount - 1); layer >= 0; (partial, layer) = (partial.Before!, layer - 1))
        {
            choice[layer] = partial.Candidate;
        }
        return choice;
    }

    private void Extend(Partial partial, int candidate, List<Partial> next)
    {
        double objective = partial.Objective + problem.Matrix[(candidate * problem.CandidateCount) + candidate];
        long[] costs = [.. partial.Costs.Select((cost, k) => cost + problem.Costs[k][candidate])];
        if (rest.MayBeat(objective, costs, problem.LayerOf[candidate] + 1, ceiling))
        {
            next.Add(new Partial(objective, costs, candidate, partial));
        }
        Work++;
    }

    /// <summary>Keeps what no other beats; with one budget, in one pass over the costs in order.</summary>
    private bool TryReduce(List<Partial> all)
    {
        front = [];
        // Lexicographic order: whatever beats a partial choice comes before it.
        all.Sort(Compare);
        foreach (var partial in all)
        {
            if (!IsBeaten(partial))
            {
                front.Add(partial);
            }
            if (MustEnd())
            {
                return false;
            }
        }
        return true;
    }

    private bool IsBeaten(Partial partial)
    {
        if (partial.Costs.Length <= 1)
        {
            Work++;
            return front.Count > 0 && front[^1].Objective <= partial.Objective;
        }
        Work += front.Count;
        foreach (var other in front)
        {
            if (other.Objective <= partial.Objective && IsCheaper(other.Costs, partial.Costs))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsCheaper(long[] costs, long[] than)
    {
        // The first is no more: that is the order they are looked at in.
        for (int k = 1; k < costs.Length; k++)
        {
            if (costs[k] > than[k])
            {
                return false;
            }
        }
        return true;
    }

    private bool MustEnd()
    {
        if (Work < nextLook)
        {
            return false;
        }
        nextLook = Work + Math.Min(Interval, workLimit);
        return Work > workLimit || cancellation.IsCancellationRequested;
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
}
