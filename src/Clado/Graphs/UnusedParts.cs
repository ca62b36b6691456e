using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>What a graph carries and no output depends on.</summary>
internal static class UnusedParts
{
    /// <summary>Drops nodes that no output depends on, and initializers that nobody reads.</summary>
    /// <param name="graph">Nodes in topological order.</param>
    public static void Remove(GraphProto graph)
    {
        var walk = new GraphWalk([.. graph.Node]);
        var outputs = graph.Output.Select(o => o.Name).ToArray();
        var needed = walk.Behind(outputs, new HashSet<string>());
        NodeProto[] nodes = [.. needed.Select(i => graph.Node[i])];
        graph.Node.Clear();
        graph.Node.Add(nodes);
        var used = walk.Needs(needed).Concat(outputs).ToHashSet();
        foreach (var tensor in graph.Initializer.Where(t => !used.Contains(t.Name)).ToArray())
        {
            graph.Initializer.Remove(tensor);
        }
    }
}
