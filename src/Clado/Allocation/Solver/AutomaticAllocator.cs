namespace Clado.Allocation.Solver;

/// <summary>
/// Chooses the solver by the problem: every choice looked at where there are few, dynamic programming without cross terms, branch and bound
/// otherwise and where dynamic programming has to end, local search where even one relaxation takes too long. The limit is one of work, not
/// of time: the same problem gives the same answer on every machine, however busy.
/// </summary>
internal sealed class AutomaticAllocator : IAllocator
{
    // At some 10 million looks a second for a dozen layers: a hundredth of a second.
    private const double ExhaustiveLimit = 1e5;

    // A relaxation of order n takes about 10 steps of a few n³ multiplications: some 2·10⁹ of these cubes take 10 to 20 s of one core.
    private const double DefaultWorkLimit = 2e9;

    // One relaxation of this order takes some 5 s of one core, of 1,000 half a minute; more than one must go into the limit.
    private const int LargestOrder = 600;

    /// <summary>Sum of the cubes of the relaxations' orders, at most. Range: (0, inf). Default: 2e9, some 10 to 20 s of one core.</summary>
    public double WorkLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = DefaultWorkLimit;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (ExhaustiveAllocator.ChoiceCount(problem) <= ExhaustiveLimit)
        {
            return new ExhaustiveAllocator().Solve(problem, cancellation);
        }
        bool isSeparable = DynamicProgrammingAllocator.IsSeparable(problem);
        var known = isSeparable ? new DynamicProgrammingAllocator().Solve(problem, cancellation) : null;
        if (known is not null && known.Status is not AllocationStatus.Feasible)
        {
            return known;
        }
        double order = problem.CandidateCount - problem.LayerCount + 1;
        if (order > LargestOrder)
        {
            return known ?? new LocalSearchAllocator().Solve(problem, cancellation);
        }
        // Where dynamic programming had to end, its choice is a start.
        var search = new BranchAndBoundAllocator { WorkLimit = WorkLimit };
        return search.Solve(problem, known is null ? null : [known.Choice], cancellation).Solution;
    }
}
