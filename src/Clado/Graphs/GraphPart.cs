using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>Cuts a model of its own out of a graph.</summary>
internal static class GraphPart
{
    /// <summary>An empty model with the opsets and functions of another.</summary>
    public static ModelProto Shell(ModelProto model)
    {
        var shell = new ModelProto { IrVersion = model.IrVersion, Graph = new GraphProto { Name = "part" } };
        shell.OpsetImport.Add(model.OpsetImport);
        shell.Functions.Add(model.Functions);
        return shell;
    }

    /// <summary>The part of the graph that computes some tensors from others.</summary>
    /// <param name="graph">The graph to cut.</param>
    /// <param name="inputs">Names of the tensors that are given: graph inputs, activations or initializers.</param>
    /// <param name="outputs">Names of the tensors wanted.</param>
    /// <returns>A model whose inputs are those of <paramref name="inputs"/> it needs.</returns>
    public static ModelProto Extract(Graph graph, IReadOnlySet<string> inputs, IReadOnlyCollection<string> outputs)
    {
        var needed = graph.Walk.Behind(outputs, inputs);
        var part = Shell(graph.Model);
        var taken = GraphWalk.Names(graph.Model.Graph);
        part.Graph.Node.Add(needed.Select(i => WithoutGiven(graph.Nodes[i], inputs, taken)));
        var read = needed.SelectMany(graph.Walk.Reads).ToHashSet();
        part.Graph.Input.Add(read.Where(inputs.Contains).Order(StringComparer.Ordinal).Select(name => ValueInfo(graph, name)));
        part.Graph.Initializer.Add(graph.Model.Graph.Initializer.Where(t => read.Contains(t.Name) && !inputs.Contains(t.Name)));
        part.Graph.Output.Add(outputs.Select(name => new ValueInfoProto { Name = name }));
        return part;
    }

    /// <summary>
    /// The node; one that has to run though some of its outputs are given calls those what nothing else is called, since a name may be made
    /// only once.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="given">Names of the tensors that are given.</param>
    /// <param name="taken">Names that are taken; new ones are added.</param>
    public static NodeProto WithoutGiven(NodeProto node, IReadOnlySet<string> given, ISet<string> taken)
    {
        if (!node.Output.Any(given.Contains))
        {
            return node;
        }
        var renamed = node.Clone();
        for (int i = 0; i < renamed.Output.Count; i++)
        {
            if (given.Contains(renamed.Output[i]))
            {
                renamed.Output[i] = Free(renamed.Output[i], taken, given);
            }
        }
        return renamed;
    }

    /// <summary>The name with as many underscores behind it as make it new.</summary>
    private static string Free(string name, ISet<string> taken, IReadOnlySet<string> given)
    {
        while (given.Contains(name) || !taken.Add(name))
        {
            name += "_";
        }
        return name;
    }

    /// <summary>A tensor of the graph as an input: type and shape.</summary>
    public static ValueInfoProto ValueInfo(Graph graph, string name) =>
        graph.Initializers.TryGetValue(name, out var tensor)
            ? Typed(name, (DataType)tensor.DataType, tensor.Dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }))
            : Typed(name, graph.Tensors[name].Type, graph.Tensors[name].Shape.Zip(graph.Tensors[name].Batched, Dimension));

    private static TensorShapeProto.Types.Dimension Dimension(long dim, bool batched) =>
        !batched ? new() { DimValue = dim } : dim == 1 ? new() { DimParam = "N" } : new();

    private static ValueInfoProto Typed(string name, DataType type, IEnumerable<TensorShapeProto.Types.Dimension> dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(dims);
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = shape } } };
    }
}
