using Clado.Onnx;

namespace Clado.Graphs.Integers;

/// <summary>
/// Puts the nodes of the functions that Clado writes where they are called. So a file that Clado wrote is a model like others whose weights
/// are quantized already: what its weights are made of are constants, and its grids are its own.
/// </summary>
internal static class OwnFunctions
{
    /// <summary>Inlines in place.</summary>
    /// <param name="model">The model; its nodes stay in topological order.</param>
    public static void Inline(ModelProto model)
    {
        var functions = model.Functions.Where(f => f.Domain == LocalFunctions.Domain).DistinctBy(f => f.Name).ToDictionary(f => f.Name);
        FunctionProto? Called(NodeProto node) =>
            node.Domain == LocalFunctions.Domain ? functions.GetValueOrDefault(node.OpType) : null;
        if (!model.Graph.Node.Any(node => Called(node) is not null))
        {
            return;
        }
        var taken = GraphWalk.Names(model.Graph);
        NodeProto[] nodes = [.. model.Graph.Node.SelectMany(node => Called(node) is { } function ? Body(node, function, taken) : [node])];
        model.Graph.Node.Clear();
        model.Graph.Node.Add(nodes);
        if (GraphWalk.AtEveryDepth(nodes).All(node => node.Domain != LocalFunctions.Domain))
        {
            foreach (var function in functions.Values)
            {
                model.Functions.Remove(function);
            }
            model.OpsetImport.Remove(model.OpsetImport.First(o => o.Domain == LocalFunctions.Domain));
        }
    }

    private static IEnumerable<NodeProto> Body(NodeProto call, FunctionProto function, ISet<string> taken)
    {
        var names = new Dictionary<string, string>();
        foreach (var (slot, name) in function.Input.Index())
        {
            names.Add(name, call.Operand(slot));
        }
        foreach (var (slot, name) in function.Output.Index())
        {
            names.Add(name, call.Output[slot]);
        }
        foreach (var node in function.Node)
        {
            var copy = node.Clone();
            GraphWalk.Rename(copy, names);
            for (int i = 0; i < copy.Output.Count; i++)
            {
                if (!names.TryGetValue(node.Output[i], out var made))
                {
                    made = Fresh($"{call.Output[0]}_{node.Output[i]}", taken);
                    names.Add(node.Output[i], made);
                }
                copy.Output[i] = made;
            }
            Bind(copy, call, function);
            yield return copy;
        }
    }

    /// <summary>Gives a node the attributes that it takes from the call, or from the function where that gives none.</summary>
    private static void Bind(NodeProto node, NodeProto call, FunctionProto function)
    {
        foreach (var attribute in node.Attribute.Where(a => a.RefAttrName.Length > 0).ToArray())
        {
            node.Attribute.Remove(attribute);
            var usual = function.AttributeProto.FirstOrDefault(a => a.Name == attribute.RefAttrName);
            if ((call.Find(attribute.RefAttrName) ?? usual)?.Clone() is { } given)
            {
                given.Name = attribute.Name;
                node.Attribute.Add(given);
            }
        }
    }

    private static string Fresh(string name, ISet<string> taken)
    {
        while (!taken.Add(name))
        {
            name += "_";
        }
        return name;
    }
}
