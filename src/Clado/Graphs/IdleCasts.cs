using Clado.Execution;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// Casts from float to float: what is left of conversions between precisions where a network is read in one. Without them layers and what
/// is folded into them stand side by side.
/// </summary>
internal static class IdleCasts
{
    /// <summary>Removes them in place; those in bodies stay.</summary>
    /// <param name="model">Nodes in topological order.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">ONNX Runtime refuses the model.</exception>
    public static void Remove(ModelProto model, string file)
    {
        var graph = model.Graph;
        if (!graph.Node.Any(IsToFloat))
        {
            return;
        }
        var floats = Floats(model, file);
        var hidden = GraphWalk.NamesInBodies(graph);
        var outputs = graph.Output.Select(output => output.Name).ToHashSet();
        var names = new Dictionary<string, string>();
        foreach (var node in graph.Node.ToArray())
        {
            GraphWalk.Rename(node, names);
            if (IsToFloat(node) && node.Operand(0) is var input && floats.Contains(input) && !hidden.Contains(input)
                && !outputs.Contains(node.Output[0]))
            {
                names.Add(node.Output[0], input);
                graph.Node.Remove(node);
            }
        }
        foreach (var node in graph.Node.Where(node => IsToFloat(node) && outputs.Contains(node.Output[0])).ToArray())
        {
            TakeName(graph, node, outputs, floats);
        }
    }

    /// <summary>What is cast to an output that it is already takes the output's name.</summary>
    private static void TakeName(GraphProto graph, NodeProto cast, HashSet<string> outputs, HashSet<string> floats)
    {
        var (inner, output) = (cast.Operand(0), cast.Output[0]);
        if (!floats.Contains(inner) || outputs.Contains(inner) || GraphWalk.NamesInBodies(graph).Contains(output)
            || graph.Node.FirstOrDefault(node => node.Output.Contains(inner)) is not { } producer)
        {
            return;
        }
        graph.Node.Remove(cast);
        producer.Output[producer.Output.IndexOf(inner)] = output;
        foreach (var node in graph.Node)
        {
            GraphWalk.Rename(node, new Dictionary<string, string> { [inner] = output });
        }
    }

    /// <summary>Names of the tensors of floats.</summary>
    private static HashSet<string> Floats(ModelProto model, string file)
    {
        var typed = model.Clone();
        typed.Graph.Output.Clear();
        typed.Graph.ValueInfo.Clear();
        var made = model.Graph.Node.SelectMany(node => node.Output).Where(name => name.Length > 0);
        typed.Graph.Output.Add(made.Select(name => new ValueInfoProto { Name = name }));
        using var session = new GraphSession(typed, file, GraphOptimizationLevel.ORT_DISABLE_ALL);
        return
        [
            .. session.FloatOutputs, .. model.Graph.Initializer.Where(t => t.DataType == (int)DataType.Float).Select(t => t.Name),
            .. model.Graph.Input.Where(input => input.Type?.TensorType?.ElemType == (int)DataType.Float).Select(input => input.Name),
        ];
    }

    private static bool IsToFloat(NodeProto node) => node.Is("Cast") && node.Integer("to", 0) == (long)DataType.Float;
}
