namespace Clado.Allocation.Solver;

/// <summary>
/// Best-first branch and bound on the semidefinite relaxation: proves the best choice, or gives the best so far with its bound when a limit ends
/// it. Nodes are looked into in parallel in batches of fixed size whose results are taken up in order, so the answer under a node limit does not
/// depend on the number of threads.
/// </summary>
public sealed class BranchAndBoundAllocator : IAllocator
{
    // Nodes looked into between two looks at the incumbent: enough for the cores of a workstation, few enough to waste little.
    private const int BatchSize = 8;

    // Objectives closer than this share of the largest entries they are summed from differ by rounding only.
    private const double RoundingShare = 1e-13;

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

    /// <summary>A relative gap that counts as proof. Range: [0, 1). Default: 1e-6.</summary>
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
    /// Ends the search where the cubes of the orders of the relaxations solved add up to this, rounded up to a batch of nodes. The order is the
    /// number of candidates less the number of layers, plus one. Range: (0, inf]. Default: no limit.
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
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default) => Solve(problem, null, cancellation).Solution;

    /// <summary>Solves a problem for which good choices are known.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="known">Choices within the budgets. Shape: [choices][layers].</param>
    /// <param name="cancellation">Ends early.</param>
    internal (AllocationSolution Solution, long NodeCount) Solve(AllocationProblem problem, IEnumerable<int[]>? known, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(problem);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (TimeLimit < TimeSpan.FromDays(1))
        {
            limited.CancelAfter(TimeLimit);
        }
        var allowed = new bool[problem.CandidateCount];
        Array.Fill(allowed, true);
        if (!CandidateReduction.ByBudget(problem, allowed))
        {
            return (AllocationSolution.None, 0);
        }
        CandidateReduction.ByDominance(problem, allowed);
        var search = new Search(this, problem, limited.Token);
        foreach (int[] choice in known ?? [])
        {
            search.Offer(choice);
        }
        search.Offer(LocalSearchAllocator.Best(problem, limited.Token));
        return (search.Run(allowed), search.NodeCount);
    }

    private sealed class Search(BranchAndBoundAllocator limits, AllocationProblem problem, CancellationToken cancellation)
    {
        // The least absolute difference worth proving.
        private readonly double rounding = RoundingShare * problem.LayerCount * problem.Matrix.Max(Math.Abs);
        private int[]? best;
        private double objective = double.PositiveInfinity;
        private double closed = double.PositiveInfinity;

        private double work;

        public long NodeCount { get; private set; }

        // Without a choice no bound closes a node; a number above all objectives keeps the arithmetic finite.
        private double Cutoff => best is null
            ? (2 * problem.Matrix.Sum(Math.Abs)) + 1
            : objective - Math.Max(limits.GapLimit * Math.Abs(objective), rounding);

        public void Offer(int[]? choice)
        {
            if (choice is not null && problem.IsFeasible(choice) && problem.Objective(choice) is var value && value < objective)
            {
                (best, objective) = (choice, value);
            }
        }

        public AllocationSolution Run(bool[] allowed)
        {
            var open = new PriorityQueue<BranchNode, (double Bound, long Number)>();
            long number = 0;
            // Known products decide indefinite matrices; semidefinite ones are proven sooner without: a fifth of the gap for ten times the time.
            IReadOnlyList<(int A, int B)>? pairs = DenseKernels.IsSemidefinite(problem.Matrix, problem.CandidateCount) ? null : [];
            open.Enqueue(new BranchNode(allowed, pairs, SeparableBound.Compute(problem), IsRoot: true), (0, number++));
            while (open.Count > 0 && NodeCount < limits.NodeLimit && work < limits.WorkLimit && !cancellation.IsCancellationRequested)
            {
                var batch = new List<BranchNode>();
                while (batch.Count < BatchSize && open.TryDequeue(out var node, out _))
                {
                    if (node.Bound >= Cutoff)
                    {
                        closed = Math.Min(closed, node.Bound);
                    }
                    else
                    {
                        batch.Add(node);
                    }
                }
                double cutoff = Cutoff;
                var effort = new BranchEffort((limits.WorkLimit - work) / Math.Max(1, batch.Count), Math.Max(1, limits.ThreadCount / Math.Max(1, batch.Count)));
                var outcomes = new BranchOutcome[batch.Count];
                Parallel.For(0, batch.Count, new ParallelOptions { MaxDegreeOfParallelism = limits.ThreadCount }, i =>
                    outcomes[i] = NodeExpansion.Expand(problem, batch[i], cutoff, effort, cancellation));
                NodeCount += batch.Count;
                foreach (var outcome in outcomes)
                {
                    Offer(outcome.Choice);
                    closed = Math.Min(closed, outcome.ClosedBound);
                    work += outcome.Work;
                    foreach (var child in outcome.Children)
                    {
                        open.Enqueue(child, (child.Bound, number++));
                    }
                }
            }
            double bound = open.UnorderedItems.Select(item => item.Element.Bound).Append(closed).Min();
            return best is null
                ? AllocationSolution.None with { Bound = bound }
                : AllocationSolution.Of(problem, best, objective - bound <= rounding ? objective : bound, limits.GapLimit);
        }
    }
}
