namespace Clado.Allocation.Solver;

/// <summary>
/// Best-first branch and bound on the semidefinite relaxation: proves the best choice, or gives the best so far with its bound when a limit
/// ends it. Nodes are looked into in parallel, in batches of fixed size. Their results are read in order, so the answer under a limit of
/// nodes or work does not depend on the number of threads.
/// </summary>
internal sealed class BranchAndBoundAllocator : IAllocator
{
    // No search is let run as long, and a timer for many values must not overflow.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    /// <summary>Ends the search with the best choice so far. Range: (0, inf). Default: no limit.</summary>
    public TimeSpan TimeLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.MaxValue;

    /// <summary>
    /// A relative gap that counts as proof. Range: [0, 1). Default: 1e-6, far below what surrogates are measured to and what bounds of an
    /// interior-point method in double precision reach.
    /// </summary>
    public double GapLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(value, 1);
            field = value;
        }
    } = 1e-6;

    /// <summary>Ends the search after this many relaxed nodes, rounded up to a batch. Range: [1, inf). Default: no limit.</summary>
    public long NodeLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = long.MaxValue;

    /// <summary>
    /// Ends the search where the cubes of the orders of the relaxations solved add up to this, rounded up to a batch of nodes. The order is
    /// the number of candidates less the number of layers, plus one. Range: (0, inf]. Default: no limit.
    /// </summary>
    public double WorkLimit
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = double.PositiveInfinity;

    /// <summary>Threads that look into nodes. Range: [1, inf). Default: the number of processors.</summary>
    public int ThreadCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = Environment.ProcessorCount;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default) =>
        Solve(problem, null, cancellation).Solution;

    /// <summary>Solves a problem for which good choices are known.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="known">Choices within the budgets. Shape: [choices][layers].</param>
    /// <param name="cancellation">Ends early.</param>
    public (AllocationSolution Solution, long NodeCount) Solve(
        AllocationProblem problem, IEnumerable<int[]>? known, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var (solutions, nodes) = Solve(BudgetRange.Of(problem), known, cancellation);
        return (solutions[0], nodes);
    }

    /// <summary>Solves for several values of a budget in one search; its limits hold for each value.</summary>
    /// <param name="range">The problem and the values.</param>
    /// <param name="known">Choices within the other budgets. Shape: [choices][layers].</param>
    /// <param name="cancellation">Ends early.</param>
    public (AllocationSolution[] Solutions, long NodeCount) Solve(
        BudgetRange range, IEnumerable<int[]>? known, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (TimeLimit < LongestTimer)
        {
            limited.CancelAfter(TimeLimit * range.Count);
        }
        var search = new BranchSearch(this, range, limited.Token);
        foreach (int[] choice in known ?? [])
        {
            search.Offer(choice);
        }
        var solutions = search.Run();
        return (solutions, search.NodeCount);
    }
}
