using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>What a graph carries and no output depends on.</summary>
internal static class UnusedParts
{
    /// <summary>Drops nodes that no output depends on, and initializers that nobody reads.</summary>
    /// <param name="graph">Nodes in topological order.</param>
    public static void Remove(GraphProto graph)
    {
        var used = graph.Output.Select(o => o.Name).ToHashSet();
        foreach (var node in graph.Node.Reverse().ToArray())
        {
            if (node.Output.Any(used.Contains))
            {
                used.UnionWith(node.Reads());
            }
            else
            {
                graph.Node.Remove(node);
            }
        }
        foreach (var tensor in graph.Initializer.Where(t => !used.Contains(t.Name)).ToArray())
        {
            graph.Initializer.Remove(tensor);
        }
    }
}
