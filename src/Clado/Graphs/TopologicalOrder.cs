using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Brings nodes into topological order, and finds what makes a graph impossible to order.</summary>
internal sealed class TopologicalOrder
{
    private readonly GraphProto graph;
    private readonly string file;

    // Tensors that no node makes.
    private readonly HashSet<string> given;
    private readonly Dictionary<string, int> producers = [];

    private TopologicalOrder(GraphProto graph, string file)
    {
        (this.graph, this.file) = (graph, file);
        given = [.. graph.Initializer.Select(t => t.Name), .. graph.Input.Select(v => v.Name)];
    }

    /// <summary>Sorts the nodes in place, by Kahn's algorithm, lowest index first: nodes that are in order already stay.</summary>
    /// <param name="graph">The graph to sort.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">A tensor is made twice or by nobody, or is sparse, or there is a cycle.</exception>
    public static void Sort(GraphProto graph, string file)
    {
        var sorting = new TopologicalOrder(graph, file);
        sorting.CheckInitializers();
        sorting.FindProducers();
        var order = sorting.Order();
        sorting.CheckOutputs();
        graph.Node.Clear();
        graph.Node.Add(order);
    }

    private void CheckInitializers()
    {
        foreach (var twice in graph.Initializer.GroupBy(t => t.Name).Where(g => g.Count() > 1))
        {
            throw Error("is there twice; every initializer has a name of its own, export the model again", null, twice.Key);
        }
        foreach (var sparse in graph.SparseInitializer)
        {
            throw Error("is a sparse initializer, which Clado does not read; export the model with dense ones", null, sparse.Values?.Name);
        }
    }

    private void FindProducers()
    {
        foreach (var (i, node) in graph.Node.Index())
        {
            foreach (var output in node.Output.Where(o => o.Length > 0))
            {
                if (given.Contains(output) || !producers.TryAdd(output, i))
                {
                    throw Error("is made twice; every tensor of an ONNX graph has one source", node, output);
                }
            }
        }
    }

    private List<NodeProto> Order()
    {
        // How many nodes each still waits for, and who waits for each.
        var waiting = new int[graph.Node.Count];
        List<int>[] followers = [.. graph.Node.Select(_ => new List<int>())];
        foreach (var (i, node) in graph.Node.Index())
        {
            foreach (var input in GraphWalk.Reads(node).Where(o => !given.Contains(o)).Distinct())
            {
                followers[Producer(input, node)].Add(i);
                waiting[i]++;
            }
        }
        var ready = new PriorityQueue<int, int>(Enumerable.Range(0, waiting.Length).Where(i => waiting[i] == 0).Select(i => (i, i)));
        var order = new List<NodeProto>(waiting.Length);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(graph.Node[next]);
            foreach (int follower in followers[next])
            {
                if (--waiting[follower] == 0)
                {
                    ready.Enqueue(follower, follower);
                }
            }
        }
        return order.Count == waiting.Length ? order : throw Error(
            "the graph has a cycle through this node; export the model again", graph.Node[Array.FindIndex(waiting, w => w > 0)], null);
    }

    private int Producer(string input, NodeProto reader) => producers.TryGetValue(input, out int source)
        ? source
        : throw Error("comes from nowhere: no node, input or initializer has that name", reader, input);

    private void CheckOutputs()
    {
        foreach (var output in graph.Output.Where(o => !given.Contains(o.Name) && !producers.ContainsKey(o.Name)))
        {
            throw Error("is an output that no node makes; export the model again", null, output.Name);
        }
    }

    private OnnxFormatException Error(string problem, NodeProto? node, string? tensor) => new(file, problem, node?.DisplayName(), tensor);
}
