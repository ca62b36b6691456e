using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Brings nodes into topological order, and finds what makes a graph impossible to order.</summary>
internal static class TopologicalOrder
{
    /// <summary>Sorts the nodes in place; nodes that are in order already stay where they are (Kahn's algorithm, lowest index first).</summary>
    /// <exception cref="OnnxFormatException">A tensor is made twice or by nobody, an initializer is sparse, or the graph has a cycle.</exception>
    public static void Sort(GraphProto graph, string file)
    {
        foreach (var twice in graph.Initializer.GroupBy(t => t.Name).Where(g => g.Count() > 1))
        {
            throw new OnnxFormatException(file, "is there twice; every initializer has a name of its own, export the model again", tensor: twice.Key);
        }
        foreach (var sparse in graph.SparseInitializer)
        {
            throw new OnnxFormatException(file, "is a sparse initializer, which Clado does not read; export the model with dense ones", tensor: sparse.Values?.Name);
        }
        var given = graph.Initializer.Select(t => t.Name).Concat(graph.Input.Select(v => v.Name)).ToHashSet();
        var producer = new Dictionary<string, int>();
        for (int i = 0; i < graph.Node.Count; i++)
        {
            foreach (var output in graph.Node[i].Output.Where(o => o.Length > 0))
            {
                if (given.Contains(output) || !producer.TryAdd(output, i))
                {
                    throw new OnnxFormatException(file, "is made twice; every tensor of an ONNX graph has one source", graph.Node[i].DisplayName(), output);
                }
            }
        }

        var waiting = new int[graph.Node.Count];
        var followers = new List<int>[graph.Node.Count];
        for (int i = 0; i < graph.Node.Count; i++)
        {
            foreach (var input in GraphWalk.Reads(graph.Node[i]).Where(o => !given.Contains(o)).Distinct())
            {
                if (!producer.TryGetValue(input, out int source))
                {
                    throw new OnnxFormatException(file, "comes from nowhere: no node, input or initializer has that name", graph.Node[i].DisplayName(), input);
                }
                (followers[source] ??= []).Add(i);
                waiting[i]++;
            }
        }

        var ready = new PriorityQueue<int, int>(Enumerable.Range(0, waiting.Length).Where(i => waiting[i] == 0).Select(i => (i, i)));
        var order = new List<NodeProto>(waiting.Length);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(graph.Node[next]);
            foreach (int follower in followers[next] ?? [])
            {
                if (--waiting[follower] == 0)
                {
                    ready.Enqueue(follower, follower);
                }
            }
        }
        if (order.Count < waiting.Length)
        {
            int stuck = Array.FindIndex(waiting, w => w > 0);
            throw new OnnxFormatException(file, "the graph has a cycle through this node; export the model again", graph.Node[stuck].DisplayName());
        }
        foreach (var output in graph.Output.Where(o => !given.Contains(o.Name) && !producer.ContainsKey(o.Name)))
        {
            throw new OnnxFormatException(file, "is an output that no node makes; export the model again", tensor: output.Name);
        }
        graph.Node.Clear();
        graph.Node.Add(order);
    }
}
