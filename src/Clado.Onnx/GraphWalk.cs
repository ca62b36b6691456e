namespace Clado.Onnx;

/// <summary>
/// Who reads what in a graph. A node reads its inputs. A loop or branch also reads what its bodies use of the tensors around it, without
/// listing them. Bodies are graphs in its attributes. They see the names around them, but for those they define themselves
/// (ONNX IR specification, "Nested subgraphs"). Nobody else looks at the inputs of nodes, except for the positional ones of a known
/// operator (<see cref="NodeExtensions.Operand"/>).
/// </summary>
internal sealed class GraphWalk
{
    private readonly IReadOnlyList<NodeProto> nodes;
    private readonly string[][] reads;
    private readonly Dictionary<string, int> producers;
    private readonly Dictionary<string, int[]> readers;

    /// <summary>Looks through the nodes of a graph.</summary>
    /// <param name="nodes">Its nodes in topological order, none of their outputs made twice. Shape: [nodes].</param>
    public GraphWalk(IReadOnlyList<NodeProto> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        this.nodes = nodes;
        reads = [.. nodes.Select(node => Reads(node).Distinct().ToArray())];
        producers = nodes.SelectMany((node, i) => Outputs(node).Select(name => (name, i))).ToDictionary(p => p.name, p => p.i);
        readers = reads.SelectMany((names, i) => names.Select(name => (name, i)))
            .GroupBy(p => p.name, p => p.i).ToDictionary(g => g.Key, g => g.ToArray());
    }

    /// <summary>Names of the tensors a node reads, each once. Shape: [tensors].</summary>
    /// <param name="node">Index of the node. Range: [0, nodes).</param>
    public IReadOnlyList<string> Reads(int node) => reads[node];

    /// <summary>Index of the node that makes a tensor, or -1 where none does.</summary>
    /// <param name="tensor">Name of the tensor.</param>
    public int Producer(string tensor) => producers.GetValueOrDefault(tensor, -1);

    /// <summary>Indices of the nodes that read a tensor, ascending. Shape: [readers].</summary>
    /// <param name="tensor">Name of the tensor.</param>
    public IReadOnlyList<int> Readers(string tensor) => readers.GetValueOrDefault(tensor, []);

    /// <summary>The nodes that it takes to compute some tensors.</summary>
    /// <param name="wanted">Names of the tensors.</param>
    /// <param name="given">Names of the tensors that need not be computed.</param>
    /// <returns>Indices, ascending. Shape: [needed].</returns>
    public IReadOnlyList<int> Behind(IEnumerable<string> wanted, IReadOnlySet<string> given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var open = new HashSet<string>(wanted);
        var needed = new List<int>();
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            if (nodes[i].Output.Any(name => open.Contains(name) && !given.Contains(name)))
            {
                needed.Add(i);
                open.UnionWith(reads[i]);
            }
        }
        needed.Reverse();
        return needed;
    }

    /// <summary>The nodes whose outputs change with some tensors.</summary>
    /// <param name="changed">Names of the tensors.</param>
    /// <returns>Indices, ascending. Shape: [dependent].</returns>
    public IReadOnlyList<int> DependentOn(IEnumerable<string> changed)
    {
        var open = new HashSet<string>(changed);
        var dependent = new List<int>();
        for (int i = 0; i < nodes.Count; i++)
        {
            if (reads[i].Any(open.Contains))
            {
                dependent.Add(i);
                open.UnionWith(Outputs(nodes[i]));
            }
        }
        return dependent;
    }

    /// <summary>Names of the tensors that a part of the graph makes.</summary>
    /// <param name="part">Indices of its nodes. Shape: [part].</param>
    public IReadOnlySet<string> Made(IReadOnlyList<int> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        return part.SelectMany(i => Outputs(nodes[i])).ToHashSet();
    }

    /// <summary>Names of the tensors that a part of the graph reads and does not make.</summary>
    /// <param name="part">Indices of its nodes. Shape: [part].</param>
    public IReadOnlySet<string> Needs(IReadOnlyList<int> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var made = Made(part);
        return part.SelectMany(i => reads[i]).Where(name => !made.Contains(name)).ToHashSet();
    }

    /// <summary>The graphs in a node's attributes: bodies of loops and branches.</summary>
    /// <param name="node">The node to look in.</param>
    public static IEnumerable<GraphProto> Bodies(NodeProto node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Attribute.SelectMany(attribute => attribute.G is { } single ? attribute.Graphs.Append(single) : attribute.Graphs);
    }

    /// <summary>Nodes, and the nodes of their bodies at every depth, each in front of what lies in it.</summary>
    /// <param name="nodes">The nodes to begin with.</param>
    public static IEnumerable<NodeProto> AtEveryDepth(IEnumerable<NodeProto> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        return nodes.SelectMany(node => AtEveryDepth(Bodies(node).SelectMany(body => body.Node)).Prepend(node));
    }

    /// <summary>Every name that a graph and its bodies define or use: what a new tensor must not be called.</summary>
    /// <param name="graph">The graph.</param>
    public static ISet<string> Names(GraphProto graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var read = graph.Node.SelectMany(node => node.Input).Concat(graph.Output.Select(o => o.Name));
        var inBodies = graph.Node.SelectMany(Bodies).SelectMany(Names);
        return Defines(graph).Concat(read).Concat(inBodies).ToHashSet();
    }

    /// <summary>Every name that nodes, at any depth, and outputs read.</summary>
    /// <param name="graph">The graph.</param>
    public static IEnumerable<string> NamesRead(GraphProto graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var read = graph.Node.SelectMany(node => node.Input.Concat(Bodies(node).SelectMany(NamesRead)));
        return read.Concat(graph.Output.Select(o => o.Name));
    }

    /// <summary>
    /// Names of the tensors a node reads, as often as it does: its inputs, and what its bodies use of the names around them.
    /// </summary>
    /// <param name="node">The node to look at.</param>
    public static IEnumerable<string> Reads(NodeProto node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Input.Where(name => name.Length > 0).Concat(Bodies(node).SelectMany(Around));
    }

    /// <summary>Names that bodies, at any depth, define themselves: there they hide what is called the same around them.</summary>
    /// <param name="graph">The graph.</param>
    public static ISet<string> NamesInBodies(GraphProto graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return AtEveryDepth(graph.Node).SelectMany(Bodies).SelectMany(Defines).ToHashSet();
    }

    /// <summary>Makes a node read other tensors, its bodies too.</summary>
    /// <param name="node">The node to change.</param>
    /// <param name="names">New names by the old ones; the new ones are not among <see cref="NamesInBodies"/>.</param>
    public static void Rename(NodeProto node, IReadOnlyDictionary<string, string> names)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(names);
        for (int i = 0; i < node.Input.Count; i++)
        {
            node.Input[i] = names.GetValueOrDefault(node.Input[i], node.Input[i]);
        }
        foreach (var body in Bodies(node))
        {
            var own = Defines(body).ToHashSet();
            var visible = names.Where(name => !own.Contains(name.Key)).ToDictionary();
            foreach (var output in body.Output.Where(output => visible.ContainsKey(output.Name)))
            {
                output.Name = visible[output.Name];
            }
            foreach (var inner in body.Node)
            {
                Rename(inner, visible);
            }
        }
    }

    /// <summary>Names that a graph defines itself: its inputs, initializers, sparse ones too, and what its nodes make.</summary>
    /// <param name="graph">The graph.</param>
    public static IEnumerable<string> Defines(GraphProto graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return graph.Input.Select(i => i.Name).Concat(graph.Initializer.Select(t => t.Name))
            .Concat(graph.SparseInitializer.Select(s => s.Values?.Name ?? "")).Concat(graph.Node.SelectMany(Outputs));
    }

    /// <summary>What a body reads of the names around it.</summary>
    private static IEnumerable<string> Around(GraphProto body) =>
        body.Node.SelectMany(Reads).Concat(body.Output.Select(o => o.Name)).Except(Defines(body));

    private static IEnumerable<string> Outputs(NodeProto node) => node.Output.Where(name => name.Length > 0);
}
