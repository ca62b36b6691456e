namespace Clado.Allocation.Solver;

/// <summary>One search for the best choice at every value of a range.</summary>
/// <param name="limits">When to end; each limit holds for every value.</param>
/// <param name="range">The problem and the values of a budget.</param>
/// <param name="cancellation">Ends early.</param>
internal sealed class BranchSearch(BranchAndBoundAllocator limits, BudgetRange range, CancellationToken cancellation)
{
    // Nodes looked into between two looks at the best choices: enough for the cores of a workstation, few enough to waste little.
    private const int BatchSize = 8;

    private readonly Incumbents incumbents = new(range, limits.GapLimit);
    private double work;

    /// <summary>Nodes looked into.</summary>
    public long NodeCount { get; private set; }

    // As floating-point numbers: there may be no limit, and many values.
    private double NodesLeft => (limits.NodeLimit * (double)range.Count) - NodeCount;

    private double WorkLeft => (limits.WorkLimit * range.Count) - work;

    /// <summary>Keeps a choice at every value where it is the best so far.</summary>
    /// <param name="choice">Within the other budgets. Shape: [layers].</param>
    public void Offer(int[] choice) => incumbents.Offer(choice);

    /// <summary>Searches, until all is proven or a limit is reached. Shape: [values].</summary>
    public AllocationSolution[] Run()
    {
        incumbents.Search(cancellation);
        var open = new OpenNodes(incumbents);
        if (SearchRoots.Of(range, incumbents.Use()) is { } roots)
        {
            foreach (var root in roots)
            {
                open.AddRoot(root);
            }
        }
        else
        {
            incumbents.ProveEmpty();
        }
        while (open.Count > 0 && NodesLeft > 0 && WorkLeft > 0 && !cancellation.IsCancellationRequested)
        {
            foreach (var outcome in Expand(open))
            {
                Keep(outcome, open);
            }
        }
        foreach (double[] bounds in open.Bounds)
        {
            incumbents.Close(bounds);
        }
        return incumbents.Solutions();
    }

    /// <summary>Looks into the next nodes, in parallel.</summary>
    /// <returns>In the order of the nodes, whatever the threads. Shape: [nodes].</returns>
    private BranchOutcome[] Expand(OpenNodes open)
    {
        double[] cutoffs = incumbents.Cutoffs();
        var batch = open.Take(BatchSize, cutoffs);
        int count = Math.Max(1, batch.Count);
        var effort = new BranchEffort(WorkLeft / count, Math.Max(1, limits.ThreadCount / count));
        var outcomes = new BranchOutcome[batch.Count];
        Parallel.For(0, batch.Count, new ParallelOptions { MaxDegreeOfParallelism = limits.ThreadCount }, i =>
            outcomes[i] = NodeExpansion.Expand(range, batch[i], cutoffs, effort, cancellation));
        NodeCount += batch.Count;
        return outcomes;
    }

    private void Keep(BranchOutcome outcome, OpenNodes open)
    {
        foreach (int[] choice in outcome.Choices)
        {
            Offer(choice);
        }
        incumbents.Close(outcome.ClosedBounds);
        work += outcome.Work;
        foreach (var child in outcome.Children)
        {
            open.Add(child);
        }
    }
}
