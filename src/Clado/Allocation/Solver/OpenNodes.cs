namespace Clado.Allocation.Solver;

/// <summary>
/// Nodes still to be looked into: the one whose bound is lowest, at any value, comes first; of those alike the older one.
/// </summary>
/// <param name="incumbents">The best choices, at the beginning and later.</param>
internal sealed class OpenNodes(Incumbents incumbents)
{
    private readonly PriorityQueue<BranchNode, (double Urgency, long Number)> nodes = new();
    private readonly double[] unit = incumbents.Units(), least = [.. incumbents.Objective];
    private long number;

    /// <summary>Number of nodes.</summary>
    public int Count => nodes.Count;

    /// <summary>Bounds of all nodes. Shape: [nodes][values].</summary>
    public IEnumerable<double[]> Bounds => nodes.UnorderedItems.Select(item => item.Element.Bounds);

    /// <summary>Adds a part of the whole search.</summary>
    /// <param name="root">The node.</param>
    public void AddRoot(BranchNode root) => nodes.Enqueue(root, (0, number++));

    /// <summary>Adds a part of a node.</summary>
    /// <param name="node">The node.</param>
    public void Add(BranchNode node) => nodes.Enqueue(node, (Urgency(node), number++));

    /// <summary>The next nodes to look into; those whose bounds are no better than what is known are closed.</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="cutoffs">Choices of at least this objective are of no interest. Shape: [values].</param>
    public List<BranchNode> Take(int count, double[] cutoffs)
    {
        var batch = new List<BranchNode>();
        while (batch.Count < count && nodes.TryDequeue(out var node, out _))
        {
            if (node.Bounds.Zip(cutoffs, (bound, cutoff) => bound >= cutoff).All(isClosed => isClosed))
            {
                incumbents.Close(node.Bounds);
            }
            else
            {
                batch.Add(node);
            }
        }
        return batch;
    }

    /// <summary>How far the node's bound is from the first choice's objective, in units of it, at the value where it is furthest.</summary>
    private double Urgency(BranchNode node) => node.Bounds
        .Select((bound, j) => double.IsInfinity(incumbents.Objective[j]) ? double.PositiveInfinity : (bound - least[j]) / unit[j]).Min();
}
