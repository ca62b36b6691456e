namespace Clado.Allocation.Solver;

/// <summary>
/// Exact for separable problems (no cross terms between layers): layer by layer, the list of partial choices that no other beats in
/// objective and every cost (Nemhauser and Ullmann, Management Science 15, 1969). Costs are not made into a table, so budgets of many bytes
/// cost nothing. With charges, once for every set of kinds that may hold something better.
/// </summary>
internal sealed class DynamicProgrammingAllocator : IAllocator
{
    // Some two seconds of one core.
    private const double DefaultWorkLimit = 2e8;

    /// <summary>
    /// Ends with the best choice known where partial choices made and compared add up to this. With several budgets whose costs have
    /// nothing to do with one another hardly any beats another, and their number grows without bound. Range: (0, inf]. Default: 2e8, some
    /// seconds of one core.
    /// </summary>
    public double WorkLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = DefaultWorkLimit;

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
        var known = LocalSearchAllocator.Best(problem, cancellation);
        if (known.Choice is not { } best)
        {
            return AllocationSolution.None(known.IsProven);
        }
        double work = WorkLimit;
        foreach (int set in problem.KindSets())
        {
            var (part, rows) = problem.Only(set)!.Value;
            double ceiling = problem.Objective(best);
            if (problem.Charges is not null && SeparableBound.Compute(part) > ceiling)
            {
                continue;
            }
            var front = new PartialChoices(part, ceiling, work, cancellation);
            if (!front.TryExtend())
            {
                return AllocationSolution.Of(problem, best, SeparableBound.Compute(problem));
            }
            work -= front.Work;
            if (front.Best() is { } choice && problem.Objective([.. choice.Select(a => rows[a])]) < ceiling)
            {
                best = [.. choice.Select(a => rows[a])];
            }
        }
        return AllocationSolution.Of(problem, best, problem.Objective(best));
    }
}
