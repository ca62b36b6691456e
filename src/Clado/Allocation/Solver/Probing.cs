namespace Clado.Allocation.Solver;

/// <summary>
/// Leaves out candidates by relaxing the problem with each of them chosen: what a relaxation of the whole problem leaves possible by a small share
/// is often far above the cutoff once it has to be chosen. Goes from the most to the least likely, in batches of fixed size, each of which knows
/// what the ones before have removed.
/// </summary>
internal sealed class Probing(AllocationProblem problem, IReadOnlyList<(int A, int B)> pairs, double cutoff, BranchEffort effort, CancellationToken cancellation)
{
    private const int BatchSize = 8;

    // This many batches that remove nothing end it: those that follow are less likely still.
    private const int VainBatches = 2;

    // So many removed make the relaxation of the whole problem worth another solution, which rules out more at once.
    private const double EnoughShare = 0.2;

    /// <summary>No choice that was left out has an objective below this.</summary>
    public double ClosedBound { get; private set; } = double.PositiveInfinity;

    /// <summary>Cubes of the orders of the relaxations solved.</summary>
    public double Work { get; private set; }

    /// <summary>Removes candidates.</summary>
    /// <param name="allowed">Candidates left; narrowed. Shape: [n].</param>
    /// <param name="with">A bound on choices with each candidate; raised. Shape: [n].</param>
    /// <returns>How many it removed.</returns>
    public int Remove(bool[] allowed, double[] with)
    {
        int[] order = [.. Enumerable.Range(0, allowed.Length).Where(a => allowed[a] && Siblings(allowed, a).Count(true) > 1).OrderByDescending(a => with[a])];
        int gone = 0, vain = 0;
        for (int from = 0; from < order.Length && vain < VainBatches && gone < EnoughShare * order.Length && Work < effort.Work; from += BatchSize)
        {
            int[] batch = order[from..Math.Min(order.Length, from + BatchSize)];
            var results = new (double Bound, double Work)[batch.Length];
            Parallel.For(0, batch.Length, new ParallelOptions { MaxDegreeOfParallelism = effort.ThreadCount }, i => results[i] = BoundWith(batch[i], allowed));
            vain++;
            for (int i = 0; i < batch.Length; i++)
            {
                int a = batch[i];
                Work += results[i].Work;
                with[a] = Math.Max(with[a], results[i].Bound);
                if (with[a] >= cutoff)
                {
                    (allowed[a], vain) = (false, 0);
                    ClosedBound = Math.Min(ClosedBound, with[a]);
                    gone++;
                }
            }
        }
        return gone;
    }

    private (double Bound, double Work) BoundWith(int candidate, bool[] allowed)
    {
        bool[] fewer = [.. allowed];
        Siblings(fewer, candidate).Clear();
        fewer[candidate] = true;
        if (!CandidateReduction.ByBudget(problem, fewer))
        {
            return (double.PositiveInfinity, 0);
        }
        var lifted = new LiftedProblem(problem, fewer, pairs);
        var relaxation = new SemidefiniteRelaxation(lifted);
        // Whether it reaches the cutoff is all that matters.
        relaxation.Solve(cutoff, 1, cancellation);
        return (relaxation.Bound, lifted.Work);
    }

    private Span<bool> Siblings(bool[] allowed, int candidate)
    {
        int layer = problem.LayerOf[candidate];
        return allowed.AsSpan(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]);
    }
}
