using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Sensitivity;

/// <summary>
/// Cuts a model that has a network and what follows from its tensors, gradients, into two that are run one after the other.
/// </summary>
internal static class ModelHalves
{
    /// <summary>Cuts it.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="model">Its nodes, and others behind them.</param>
    /// <param name="read">Names of tensors of the network that the first half gives besides.</param>
    /// <param name="constants">Names of constants that are inputs of both halves, or null.</param>
    /// <returns>
    /// The network, whose outputs are the float tensors that the second half wants to know and that depend on the images; and the second
    /// half, which computes again what it wants to know besides.
    /// </returns>
    public static (ModelProto First, ModelProto Second) Of(
        Graph graph, ModelProto model, IEnumerable<string> read, IEnumerable<string>? constants = null)
    {
        bool IsKnown(string name) => graph.Tensors.TryGetValue(name, out var info) && info.Type == DataType.Float;
        var made = graph.Walk.Made(graph.Walk.DependentOn(graph.Inputs.Names)).Where(IsKnown).ToHashSet();
        var nodes = model.Graph.Node.Select((node, i) => (Node: node, Index: i)).ToArray();
        var walk = new GraphWalk([.. model.Graph.Node]);
        var own = nodes.Where(n => graph.Producer(n.Node.Output[0]) < 0).Select(n => n.Index).ToArray();
        var second = walk.Behind([.. own.SelectMany(walk.Reads), .. own.SelectMany(i => model.Graph.Node[i].Output)], made);
        string[] given = [.. second.SelectMany(walk.Reads).Where(made.Contains).Distinct()];
        var inputs = graph.Inputs.Names.Concat(constants ?? []).ToHashSet();
        var first = GraphPart.Extract(graph, inputs, [.. given.Concat(read).Distinct()]);
        return (first, Second(graph, model, second, given));
    }

    private static ModelProto Second(Graph graph, ModelProto model, IReadOnlyList<int> nodes, string[] given)
    {
        var second = GraphPart.Shell(model);
        var (names, taken) = (given.ToHashSet(), GraphWalk.Names(model.Graph));
        second.Graph.Node.Add(nodes.Select(i => GraphPart.WithoutGiven(model.Graph.Node[i], names, taken)));
        var needed = GraphWalk.NamesRead(second.Graph).ToHashSet();
        second.Graph.Initializer.Add(model.Graph.Initializer.Where(tensor => needed.Contains(tensor.Name)));
        var inputs = model.Graph.Input.Concat(graph.Model.Graph.Input).DistinctBy(input => input.Name);
        second.Graph.Input.Add(inputs.Where(input => needed.Contains(input.Name)).Select(input => input.Clone()));
        second.Graph.Input.Add(given.Select(name => GraphPart.ValueInfo(graph, name)));
        second.Graph.Output.Add(model.Graph.Output);
        return second;
    }
}
