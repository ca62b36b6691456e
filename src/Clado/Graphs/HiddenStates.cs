using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Gives the hidden states of recurrent nodes a name where only the last one is read: rounding looks at what weights are multiplied with.
/// </summary>
internal static class HiddenStates
{
    /// <summary>Names them in place.</summary>
    /// <param name="graph">The graph.</param>
    public static void Name(GraphProto graph)
    {
        NodeProto[] nameless = [.. graph.Node.Where(node => WeightUse.IsRecurrent(node) && node.Output[0].Length == 0)];
        if (nameless.Length == 0)
        {
            return;
        }
        var taken = GraphWalk.Names(graph);
        foreach (var node in nameless)
        {
            var name = "Y";
            while (!taken.Add(name))
            {
                name += "_";
            }
            node.Output[0] = name;
        }
    }
}
