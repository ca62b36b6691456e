using Clado.Graphs;

namespace Clado.Calibration;

/// <summary>Where a part of a network ends.</summary>
/// <param name="Wanted">Tensors that the part has to give.</param>
/// <param name="Open">Constants that may still be replaced afterwards. Tensors that depend on them cannot be kept.</param>
internal sealed record NetworkGoal(IReadOnlySet<string> Wanted, IReadOnlySet<string> Open);

/// <summary>What a <see cref="CarriedNetwork"/> runs to compute some tensors.</summary>
/// <param name="Before">Tensors kept from the parts before; of the first part, the network's inputs.</param>
/// <param name="Made">Tensors computed here that are kept.</param>
/// <param name="After">All tensors kept for the next part: those that later nodes read, and those wanted here or later.</param>
/// <param name="Transient">
/// Wanted tensors that are computed from the kept ones and not kept: they depend on constants that may still be replaced.
/// </param>
/// <param name="IsCarried">Whether tensors are kept from part to part; else every part begins at the network's inputs.</param>
internal sealed record NetworkPart(
    IReadOnlyList<string> Before, IReadOnlyList<string> Made, IReadOnlyList<string> After, IReadOnlyList<string> Transient, bool IsCarried)
{
    /// <summary>Bytes an image of the tensors that are kept.</summary>
    /// <param name="graph">The network.</param>
    public long CarriedBytes(Graph graph) => After.Sum(name => sizeof(float) * graph.Tensors[name].ElementCount);

    /// <summary>The parts that lead from one goal to the next.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="goals">The goals, in order of execution. Shape: [parts].</param>
    /// <param name="isCarried">Whether tensors are kept from part to part.</param>
    public static IEnumerable<NetworkPart> Plan(Graph graph, IReadOnlyList<NetworkGoal> goals, bool isCarried)
    {
        var done = new bool[graph.Nodes.Count];
        string[] live = [.. graph.Inputs.Names];
        foreach (var (goal, index) in goals.Select((goal, index) => (goal, index)))
        {
            var made = isCarried ? Run(graph, done, goal) : [];
            var ahead = graph.Needs(Enumerable.Range(0, done.Length).Where(node => !done[node]));
            // A tensor of a later goal may be computed on the way to this one.
            bool IsKept(string name) => ahead.Contains(name) || goals.Skip(index).Any(later => later.Wanted.Contains(name));
            string[] before = live, kept = [.. made.Where(IsKept)];
            live = [.. before.Where(IsKept), .. kept];
            yield return new NetworkPart(before, kept, live, [.. goal.Wanted.Except(live)], isCarried);
        }
    }

    /// <summary>Marks the nodes that compute wanted tensors, except for those that depend on an open constant.</summary>
    /// <returns>Their outputs.</returns>
    private static List<string> Run(Graph graph, bool[] done, NetworkGoal goal)
    {
        var given = graph.Walk.Made([.. Enumerable.Range(0, done.Length).Where(i => done[i])]);
        int[] now = [.. graph.Walk.Behind(goal.Wanted, given).Except(graph.Walk.DependentOn(goal.Open))];
        foreach (int i in now)
        {
            done[i] = true;
        }
        return [.. now.SelectMany(i => graph.Nodes[i].Output).Where(name => name.Length > 0)];
    }
}
