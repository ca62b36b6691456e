namespace Clado.Allocation.Solver;

/// <summary>
/// Leaves out candidates by relaxing the problem with each of them chosen: what a relaxation of the whole problem leaves possible by a
/// small share is often far above the cutoff once it has to be chosen. Goes from the most to the least likely, by where the relaxed choice
/// stands with the candidate's layer moved to it, in batches of fixed size. Each batch knows what the ones before have removed.
/// </summary>
internal sealed class Probing(
    BudgetRange range, int at, IReadOnlyList<(int A, int B)> pairs, OpenValues part, BranchEffort effort, CancellationToken cancellation)
{
    // Candidates looked into at once: enough for the cores of a workstation, few enough to know early what has been removed.
    private const int BatchSize = 8;

    // This many batches that remove nothing end it: those that follow are less likely still.
    private const int VainBatches = 2;

    // The relaxation adapts to a candidate, so the estimate must be above the cutoff by this share of the gap: below, one probe in thirty
    // removes anything, far above one in two.
    private const double PromisingShare = 0.3;

    // So many removed make the relaxation of the whole problem worth another solution, which rules out more at once.
    private const double EnoughShare = 0.2;

    private readonly AllocationProblem problem = range.At(at);

    /// <summary>Cubes of the orders of the relaxations solved.</summary>
    public double Work { get; private set; }

    /// <summary>Removes candidates.</summary>
    /// <param name="allowed">Candidates left; narrowed. Shape: [n].</param>
    /// <param name="bounds">What the node's relaxation says of them; raised.</param>
    /// <returns>How many it removed.</returns>
    public int Remove(bool[] allowed, CandidateBounds bounds)
    {
        int[] order = Promising(allowed, bounds.Estimate);
        int gone = 0, vain = 0;
        for (int from = 0; from < order.Length && vain < VainBatches && gone < EnoughShare * order.Length; from += BatchSize)
        {
            if (Work >= effort.Work)
            {
                break;
            }
            int removed = RemoveBatch(order[from..Math.Min(order.Length, from + BatchSize)], allowed, bounds);
            gone += removed;
            vain = removed > 0 ? 0 : vain + 1;
        }
        return gone;
    }

    private int[] Promising(bool[] allowed, double[] estimate)
    {
        double promising = part.Cutoffs[at] + (PromisingShare * (part.Cutoffs[at] - part.Bounds[at]));
        return
        [
            .. Enumerable.Range(0, allowed.Length)
                .Where(a => allowed[a] && Siblings(allowed, a).Count(true) > 1 && estimate[a] > promising)
                .OrderByDescending(a => estimate[a]),
        ];
    }

    private int RemoveBatch(int[] batch, bool[] allowed, CandidateBounds bounds)
    {
        var results = new (double[] Bounds, double Work)[batch.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = effort.ThreadCount };
        Parallel.For(0, batch.Length, options, i => results[i] = BoundsWith(batch[i], allowed));
        int removed = 0;
        for (int i = 0; i < batch.Length; i++)
        {
            int a = batch[i];
            Work += results[i].Work;
            bounds.Raise(a, results[i].Bounds);
            if (part.TryClose(bounds.With[a]))
            {
                allowed[a] = false;
                removed++;
            }
        }
        return removed;
    }

    private (double[] Bounds, double Work) BoundsWith(int candidate, bool[] allowed)
    {
        bool[] fewer = [.. allowed];
        Siblings(fewer, candidate).Clear();
        fewer[candidate] = true;
        if (!CandidateReduction.ByBudget(range.At(part.Largest), fewer))
        {
            return ([.. range.Values.Select(_ => double.PositiveInfinity)], 0);
        }
        var lifted = new LiftedProblem(problem, fewer, pairs);
        var relaxation = new SemidefiniteRelaxation(lifted, range, at);
        // Whether it reaches the cutoff is all that matters.
        relaxation.Solve(part.Cutoffs, 1, cancellation);
        return (relaxation.Bounds, lifted.Work);
    }

    private Span<bool> Siblings(bool[] allowed, int candidate)
    {
        int layer = problem.LayerOf[candidate];
        return allowed.AsSpan(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]);
    }
}
