using Clado.Onnx;
using Clado.Onnx.Upgrade;

namespace Clado.Graphs;

/// <summary>
/// Functions of the model itself: a chain of nodes that many layers need is paid once in the file and called by name.
/// ONNX Runtime inlines them at load.
/// </summary>
internal static class LocalFunctions
{
    /// <summary>Domain of the functions.</summary>
    public const string Domain = FunctionInlining.OwnDomain;

    /// <summary>An empty function of the standard operators of an opset.</summary>
    public static FunctionProto Create(string name, IEnumerable<string> inputs, string output, int opset)
    {
        var function = new FunctionProto { Name = name, Domain = Domain };
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        function.Input.Add(inputs);
        function.Output.Add(output);
        return function;
    }

    /// <summary>A call of a function.</summary>
    public static NodeProto Call(string name, IEnumerable<string> inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = NodeExtensions.Node(name, inputs, output, attributes);
        node.Domain = Domain;
        return node;
    }

    /// <summary>
    /// Adds functions to a model, and the import of their domain, where they are not there yet: a model may be one that Clado wrote.
    /// </summary>
    /// <exception cref="CladoException">The model has another function of that name.</exception>
    public static void Add(ModelProto model, IReadOnlyCollection<FunctionProto> functions)
    {
        foreach (var function in functions.Where(f => !model.Functions.Contains(f)))
        {
            if (model.Functions.Any(f => f.Domain == function.Domain && f.Name == function.Name))
            {
                throw new CladoException(
                    $"the model has a function {Domain}.{function.Name} of its own, written by another version or for another opset; "
                    + "quantize the float model it was made from");
            }
            model.Functions.Add(function);
        }
        if (functions.Count > 0 && model.OpsetImport.All(o => o.Domain != Domain))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = Domain, Version = 1 });
        }
    }

    /// <summary>The graph with the nodes of its functions where they are called: for who looks at nodes one by one.</summary>
    /// <param name="graph">The graph; where it calls none it comes back as it is.</param>
    public static Graph Inlined(Graph graph)
    {
        var functions = graph.Model.Functions
            .Where(function => function is { Domain: Domain, Attribute.Count: 0, AttributeProto.Count: 0 })
            .ToDictionary(function => function.Name);
        FunctionProto? Called(NodeProto node) => node.Domain == Domain ? functions.GetValueOrDefault(node.OpType) : null;
        if (!graph.Nodes.Any(node => Called(node) is not null))
        {
            return graph;
        }
        var model = graph.Model.Clone();
        var taken = GraphWalk.Names(model.Graph);
        NodeProto[] nodes = [.. model.Graph.Node.SelectMany(node => Called(node) is { } function ? Body(function, node, taken) : [node])];
        model.Graph.Node.Clear();
        model.Graph.Node.Add(nodes);
        return graph.With(model);
    }

    private static IEnumerable<NodeProto> Body(FunctionProto function, NodeProto call, ISet<string> taken)
    {
        var names = function.Input.Zip(call.Operands()).Concat(function.Output.Zip(call.Output)).ToDictionary(p => p.First, p => p.Second);
        foreach (var inner in function.Node.SelectMany(node => node.Output).Where(name => name.Length > 0 && !names.ContainsKey(name)))
        {
            var own = $"{call.Output[0]}/{inner}";
            while (!taken.Add(own))
            {
                own += "_";
            }
            names.Add(inner, own);
        }
        foreach (var node in function.Node.Select(node => node.Clone()))
        {
            GraphWalk.Rename(node, names);
            for (int i = 0; i < node.Output.Count; i++)
            {
                node.Output[i] = names.GetValueOrDefault(node.Output[i], "");
            }
            yield return node;
        }
    }
}
