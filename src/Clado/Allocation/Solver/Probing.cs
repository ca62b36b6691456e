namespace Clado.Allocation.Solver;

/// <summary>
/// Leaves out candidates by relaxing the problem with each of them chosen: what a relaxation of the whole problem leaves possible by a small share
/// is often far above the cutoff once it has to be chosen. Goes from the most to the least likely, by where the relaxed choice stands with the
/// candidate's layer moved to it, in batches of fixed size, each of which knows what the ones before have removed.
/// </summary>
internal sealed class Probing(BudgetRange range, int at, IReadOnlyList<(int A, int B)> pairs, OpenValues part, BranchEffort effort, CancellationToken cancellation)
{
    private const int BatchSize = 8;

    private readonly AllocationProblem problem = range.At(at);

    // This many batches that remove nothing end it: those that follow are less likely still.
    private const int VainBatches = 2;

    // The relaxation adapts to a candidate, so the estimate must be above the cutoff by this share of the gap: below, one probe in thirty removes
    // anything, far above one in two.
    private const double PromisingShare = 0.3;

    // So many removed make the relaxation of the whole problem worth another solution, which rules out more at once.
    private const double EnoughShare = 0.2;

    /// <summary>Cubes of the orders of the relaxations solved.</summary>
    public double Work { get; private set; }

    /// <summary>Removes candidates.</summary>
    /// <param name="allowed">Candidates left; narrowed. Shape: [n].</param>
    /// <param name="with">Bounds on choices with each candidate; raised. Shape: [n][values].</param>
    /// <param name="estimate">About the least the relaxation can be brought to with each candidate. Shape: [n].</param>
    /// <returns>How many it removed.</returns>
    public int Remove(bool[] allowed, double[][] with, double[] estimate)
    {
        double promising = part.Cutoffs[at] + (PromisingShare * (part.Cutoffs[at] - part.Bounds[at]));
        int[] order = [.. Enumerable.Range(0, allowed.Length).Where(a => allowed[a] && Siblings(allowed, a).Count(true) > 1 && estimate[a] > promising).OrderByDescending(a => estimate[a])];
        int gone = 0, vain = 0;
        for (int from = 0; from < order.Length && vain < VainBatches && gone < EnoughShare * order.Length && Work < effort.Work; from += BatchSize)
        {
            int[] batch = order[from..Math.Min(order.Length, from + BatchSize)];
            var results = new (double[] Bounds, double Work)[batch.Length];
            Parallel.For(0, batch.Length, new ParallelOptions { MaxDegreeOfParallelism = effort.ThreadCount }, i => results[i] = BoundsWith(batch[i], allowed));
            vain++;
            for (int i = 0; i < batch.Length; i++)
            {
                int a = batch[i];
                Work += results[i].Work;
                with[a] = [.. with[a].Zip(results[i].Bounds, Math.Max)];
                if (part.TryClose(with[a]))
                {
                    (allowed[a], vain) = (false, 0);
                    gone++;
                }
            }
        }
        return gone;
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
