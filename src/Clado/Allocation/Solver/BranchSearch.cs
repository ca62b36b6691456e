namespace Clado.Allocation.Solver;

/// <summary>One search for the best choice at every value of a range.</summary>
internal sealed class BranchSearch
{
    // Nodes looked into between two looks at the incumbent: enough for the cores of a workstation, few enough to waste little.
    private const int BatchSize = 8;

    // Objectives closer than this share of the largest entries they are summed from differ by rounding only.
    private const double RoundingShare = 1e-13;

    private readonly BranchAndBoundAllocator limits;
    private readonly BudgetRange range;
    private readonly CancellationToken cancellation;

    // The least absolute difference worth proving.
    private readonly double rounding;
    private readonly int[]?[] best;
    private readonly double[] objective, closed;
    private readonly bool[] isProvenEmpty;
    private double work;

    /// <summary>Begins with no choice known.</summary>
    /// <param name="limits">When to end; each limit holds for every value.</param>
    /// <param name="range">The problem and the values of a budget.</param>
    /// <param name="cancellation">Ends early.</param>
    public BranchSearch(BranchAndBoundAllocator limits, BudgetRange range, CancellationToken cancellation)
    {
        (this.limits, this.range, this.cancellation) = (limits, range, cancellation);
        rounding = RoundingShare * range.Problem.LayerCount * range.Problem.Matrix.Max(Math.Abs);
        (best, objective, closed) = (new int[range.Count][], new double[range.Count], new double[range.Count]);
        isProvenEmpty = new bool[range.Count];
        Array.Fill(objective, double.PositiveInfinity);
        Array.Fill(closed, double.PositiveInfinity);
    }

    /// <summary>Nodes looked into.</summary>
    public long NodeCount { get; private set; }

    // Nothing is of interest where no choice keeps the budgets.
    private double[] Cutoffs => [.. objective.Select(value => double.IsInfinity(value) ? double.NegativeInfinity : value - Math.Max(limits.GapLimit * Math.Abs(value), rounding))];

    /// <summary>Takes up a choice at every value where it is the best so far.</summary>
    /// <param name="choice">Within the other budgets. Shape: [layers].</param>
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

    /// <summary>Searches, until all is proven or a limit is reached. Shape: [values].</summary>
    public AllocationSolution[] Run()
    {
        for (int j = 0; j < range.Count; j++)
        {
            var found = LocalSearchAllocator.Best(range.At(j), cancellation);
            isProvenEmpty[j] = found.IsProven;
            if (found.Choice is { } choice)
            {
                Offer(choice);
            }
        }
        // A unit of each value's objective, so that bounds at different values compare.
        double[] unit = [.. objective.Select(value => Math.Max(Math.Abs(value), rounding))], least = [.. objective];
        double Urgency(BranchNode node) => node.Bounds.Select((bound, j) => double.IsInfinity(objective[j]) ? double.PositiveInfinity : (bound - least[j]) / unit[j]).Min();
        var open = new PriorityQueue<BranchNode, (double Urgency, long Number)>();
        long number = 0;
        foreach (var root in Roots())
        {
            open.Enqueue(root, (0, number++));
        }
        while (open.Count > 0 && NodeCount < limits.NodeLimit * (double)range.Count && work < limits.WorkLimit * range.Count && !cancellation.IsCancellationRequested)
        {
            double[] cutoffs = Cutoffs;
            var batch = Take(open, cutoffs);
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
        return Solutions();
    }

    /// <summary>The next nodes to look into; those whose bounds are no better than what is known are closed.</summary>
    private List<BranchNode> Take(PriorityQueue<BranchNode, (double Urgency, long Number)> open, double[] cutoffs)
    {
        var batch = new List<BranchNode>();
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
        return batch;
    }

    private AllocationSolution[] Solutions()
    {
        for (int j = range.Count - 2; j >= 0; j--)
        {
            // Fewer choices are never better.
            closed[j] = Math.Max(closed[j], closed[j + 1]);
        }
        return [.. Enumerable.Range(0, range.Count).Select(j => best[j] is { } choice
            ? AllocationSolution.Of(range.Problem, choice, objective[j] - closed[j] <= rounding ? objective[j] : closed[j], limits.GapLimit)
            : AllocationSolution.None(isProvenEmpty[j]))];
    }

    /// <summary>The whole search; with charges, its parts by the kinds that are used.</summary>
    private IEnumerable<BranchNode> Roots()
    {
        var allowed = new bool[range.Problem.CandidateCount];
        Array.Fill(allowed, true);
        var widest = range.At(range.Count - 1);
        if (!CandidateReduction.ByBudget(widest.Paying(0), allowed))
        {
            Array.Fill(isProvenEmpty, true);
            return [];
        }
        // Known products decide indefinite matrices; semidefinite ones are proven sooner without: a fifth of the gap for ten times the time.
        IReadOnlyList<(int A, int B)>? pairs = DenseKernels.IsSemidefinite(widest.Matrix, widest.CandidateCount) ? null : [];
        var root = new BranchNode(allowed, pairs, [.. Enumerable.Range(0, range.Count).Select(j => SeparableBound.Compute(range.At(j)))], IsRoot: true);
        return (widest.Charges is null ? [root] : KindSplit.Parts(widest, root, Use(), null)).Select(part =>
        {
            CandidateReduction.ByDominance(widest, part.Allowed, part.Paid);
            return part;
        });
    }

    /// <summary>How many of the best choices so far hold each candidate. Shape: [n].</summary>
    private double[] Use()
    {
        var use = new double[range.Problem.CandidateCount];
        foreach (int chosen in best.OfType<int[]>().SelectMany(choice => choice))
        {
            use[chosen]++;
        }
        return use;
    }

    private void Close(double[] bounds)
    {
        for (int j = 0; j < closed.Length; j++)
        {
            closed[j] = Math.Min(closed[j], bounds[j]);
        }
    }
}
