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
        var (solutions, nodes) = Solve(BudgetRange.Of(problem), known, cancellation);
        return (solutions[0], nodes);
    }

    /// <summary>Solves for several values of a budget in one search; its limits hold for each value.</summary>
    /// <param name="range">The problem and the values.</param>
    /// <param name="known">Choices within the other budgets. Shape: [choices][layers].</param>
    /// <param name="cancellation">Ends early.</param>
    internal (AllocationSolution[] Solutions, long NodeCount) Solve(BudgetRange range, IEnumerable<int[]>? known, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (TimeLimit < TimeSpan.FromDays(1))
        {
            limited.CancelAfter(TimeLimit * range.Count);
        }
        var search = new Search(this, range, limited.Token);
        foreach (int[] choice in known ?? [])
        {
            search.Offer(choice);
        }
        var solutions = search.Run();
        return (solutions, search.NodeCount);
    }

    private sealed class Search
    {
        private readonly BranchAndBoundAllocator limits;
        private readonly BudgetRange range;
        private readonly CancellationToken cancellation;

        // The least absolute difference worth proving.
        private readonly double rounding;
        private readonly int[]?[] best;
        private readonly double[] objective, closed;
        private double work;

        public Search(BranchAndBoundAllocator limits, BudgetRange range, CancellationToken cancellation)
        {
            (this.limits, this.range, this.cancellation) = (limits, range, cancellation);
            rounding = RoundingShare * range.Problem.LayerCount * range.Problem.Matrix.Max(Math.Abs);
            (best, objective, closed) = (new int[range.Count][], new double[range.Count], new double[range.Count]);
            Array.Fill(objective, double.PositiveInfinity);
            Array.Fill(closed, double.PositiveInfinity);
        }

        public long NodeCount { get; private set; }

        // Nothing is of interest where no choice keeps the budgets.
        private double[] Cutoffs => [.. objective.Select(value => double.IsInfinity(value) ? double.NegativeInfinity : value - Math.Max(limits.GapLimit * Math.Abs(value), rounding))];

        public void Offer(int[] choice)
        {
            double value = range.Problem.Objective(choice);
            for (int j = range.From(choice); j < range.Count; j++)
            {
                if (value < objective[j] && range.At(j).IsFeasible(choice))
                {
                    (best[j], objective[j]) = (choice, value);
                }
            }
        }

        public AllocationSolution[] Run()
        {
            for (int j = 0; j < range.Count; j++)
            {
                if (LocalSearchAllocator.Best(range.At(j), cancellation) is { } choice)
                {
                    Offer(choice);
                }
            }
            // A unit of each value's objective, so that bounds at different values compare.
            double[] unit = [.. objective.Select(value => Math.Max(Math.Abs(value), rounding))], least = [.. objective];
            double Urgency(BranchNode node) => node.Bounds.Select((bound, j) => double.IsInfinity(objective[j]) ? double.PositiveInfinity : (bound - least[j]) / unit[j]).Min();
            var open = new PriorityQueue<BranchNode, (double Urgency, long Number)>();
            long number = 0;
            if (Root() is { } root)
            {
                open.Enqueue(root, (0, number++));
            }
            while (open.Count > 0 && NodeCount < limits.NodeLimit * (double)range.Count && work < limits.WorkLimit * range.Count && !cancellation.IsCancellationRequested)
            {
                var batch = new List<BranchNode>();
                double[] cutoffs = Cutoffs;
                while (batch.Count < BatchSize && open.TryDequeue(out var node, out _))
                {
                    if (node.Bounds.Zip(cutoffs, (bound, cutoff) => bound >= cutoff).All(isClosed => isClosed))
                    {
                        Close(node.Bounds);
                    }
                    else
                    {
                        batch.Add(node);
                    }
                }
                var effort = new BranchEffort(((limits.WorkLimit * range.Count) - work) / Math.Max(1, batch.Count), Math.Max(1, limits.ThreadCount / Math.Max(1, batch.Count)));
                var outcomes = new BranchOutcome[batch.Count];
                Parallel.For(0, batch.Count, new ParallelOptions { MaxDegreeOfParallelism = limits.ThreadCount }, i =>
                    outcomes[i] = NodeExpansion.Expand(range, batch[i], cutoffs, effort, cancellation));
                NodeCount += batch.Count;
                foreach (var outcome in outcomes)
                {
                    foreach (int[] choice in outcome.Choices)
                    {
                        Offer(choice);
                    }
                    Close(outcome.ClosedBounds);
                    work += outcome.Work;
                    foreach (var child in outcome.Children)
                    {
                        open.Enqueue(child, (Urgency(child), number++));
                    }
                }
            }
            foreach (var (node, _) in open.UnorderedItems)
            {
                Close(node.Bounds);
            }
            for (int j = range.Count - 2; j >= 0; j--)
            {
                // Fewer choices are never better.
                closed[j] = Math.Max(closed[j], closed[j + 1]);
            }
            return [.. Enumerable.Range(0, range.Count).Select(j => best[j] is { } choice
                ? AllocationSolution.Of(range.Problem, choice, objective[j] - closed[j] <= rounding ? objective[j] : closed[j], limits.GapLimit)
                : AllocationSolution.None)];
        }

        private BranchNode? Root()
        {
            var allowed = new bool[range.Problem.CandidateCount];
            Array.Fill(allowed, true);
            var widest = range.At(range.Count - 1);
            if (!CandidateReduction.ByBudget(widest, allowed))
            {
                return null;
            }
            CandidateReduction.ByDominance(widest, allowed);
            // Known products decide indefinite matrices; semidefinite ones are proven sooner without: a fifth of the gap for ten times the time.
            IReadOnlyList<(int A, int B)>? pairs = DenseKernels.IsSemidefinite(widest.Matrix, widest.CandidateCount) ? null : [];
            return new BranchNode(allowed, pairs, [.. Enumerable.Range(0, range.Count).Select(j => SeparableBound.Compute(range.At(j)))], IsRoot: true);
        }

        private void Close(double[] bounds)
        {
            for (int j = 0; j < closed.Length; j++)
            {
                closed[j] = Math.Min(closed[j], bounds[j]);
            }
        }
    }
}
