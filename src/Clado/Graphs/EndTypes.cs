using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Types of inputs and outputs in files, where those are of half or double precision and the graph computes in floats: what is written has
/// a Cast at each, so that whoever fed the file that was read feeds this one.
/// </summary>
internal static class EndTypes
{
    /// <summary>The inputs of a graph as its file has them, and nothing else of it.</summary>
    /// <param name="graph">The graph, in floats.</param>
    /// <param name="types">Types of inputs that are of another precision in the file, by name.</param>
    public static GraphProto Inputs(GraphProto graph, IReadOnlyDictionary<string, DataType> types)
    {
        if (types.Count == 0)
        {
            return graph;
        }
        var inputs = new GraphProto();
        inputs.Input.Add(graph.Input.Select(input => input.Clone()));
        foreach (var input in inputs.Input.Where(input => types.ContainsKey(input.Name)))
        {
            input.Type.TensorType.ElemType = (int)types[input.Name];
        }
        return inputs;
    }

    /// <summary>Gives inputs and outputs of a model the types they have in the file it comes from.</summary>
    /// <param name="model">A model of the graph's inputs and outputs, in floats; changed in place.</param>
    /// <param name="graph">The graph.</param>
    public static void AddTo(ModelProto model, Graph graph)
    {
        if (graph.TypesInFile.Count == 0)
        {
            return;
        }
        var taken = GraphWalk.Names(graph.Model.Graph);
        string Inner(string name)
        {
            for (name += "_float"; !taken.Add(name); name += "_")
            {
            }
            return name;
        }
        foreach (var input in model.Graph.Input.Where(input => graph.TypesInFile.ContainsKey(input.Name)))
        {
            var inner = Inner(input.Name);
            input.Type.TensorType.ElemType = (int)graph.TypesInFile[input.Name];
            Rename(model.Graph, input.Name, inner);
            model.Graph.Node.Insert(0, Node("Cast", [input.Name], inner, Attribute("to", (long)DataType.Float)));
        }
        foreach (var output in model.Graph.Output.Where(output => graph.TypesInFile.ContainsKey(output.Name)))
        {
            output.Type.TensorType.ElemType = (int)graph.TypesInFile[output.Name];
            var inner = Inner(output.Name);
            if (model.Graph.Input.All(input => input.Name != output.Name) && Rename(model.Graph, output.Name, inner))
            {
                model.Graph.Node.Add(Node("Cast", [inner], output.Name, Attribute("to", (long)graph.TypesInFile[output.Name])));
            }
        }
    }

    /// <summary>A model whose outputs are not rounded to half precision at its end.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    public static ModelProto WithFloatOutputs(ModelProto model)
    {
        var outputs = model.Graph.Output.Where(output => FloatTypes.IsOther(output.Type)).Select(output => output.Name).ToHashSet();
        if (outputs.Count == 0)
        {
            return model;
        }
        var copy = model.Clone();
        foreach (var output in copy.Graph.Output.Where(output => outputs.Contains(output.Name)))
        {
            output.Type.TensorType.ElemType = (int)DataType.Float;
        }
        foreach (var cast in copy.Graph.Node.Where(node => node.Is("Cast") && outputs.Contains(node.Output[0])))
        {
            cast.Find("to")!.I = (long)DataType.Float;
        }
        return copy;
    }

    /// <summary>Calls a tensor another name, where it is made and wherever it is read. Whether something in the graph makes it.</summary>
    private static bool Rename(GraphProto graph, string name, string other)
    {
        var names = new Dictionary<string, string> { [name] = other };
        bool isMade = false;
        foreach (var node in graph.Node)
        {
            GraphWalk.Rename(node, names);
            for (int i = 0; i < node.Output.Count; i++)
            {
                isMade |= node.Output[i] == name;
                node.Output[i] = node.Output[i] == name ? other : node.Output[i];
            }
        }
        foreach (var tensor in graph.Initializer.Where(tensor => tensor.Name == name))
        {
            (tensor.Name, isMade) = (other, true);
        }
        return isMade;
    }
}
