using Clado.Evaluation.Detection;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Evaluation;

/// <summary>The outputs that a model's users see, and what else is read to measure them.</summary>
/// <param name="Names">Names of the tensors, the model's own outputs first. Shape: [outputs].</param>
/// <param name="Own">How many are its own. Range: [0, outputs].</param>
/// <param name="Selection">Where a NonMaxSuppression's results are, with what it takes; null where none ends the model.</param>
/// <param name="Varies">Whether the size of an own output depends on what is in the image.</param>
internal sealed record WholeOutputs(IReadOnlyList<string> Names, int Own, Selection? Selection, bool Varies)
{
    private static readonly HashSet<string> Passing = ["Identity", "Cast"];

    /// <summary>Finds them.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="model">The model that is run of it.</param>
    public static WholeOutputs Of(Graph graph, ModelProto model)
    {
        string[] own = [.. graph.Outputs.Where(name => graph.Tensors.TryGetValue(name, out var info) && info.Type != DataType.String)];
        var made = model.Graph.Node.SelectMany(node => node.Output).ToHashSet();
        bool varies = own.Any(DataDependence.Of(graph).InSize);
        var names = own.ToList();
        var selection = own.Select((name, output) => (Node: Selector(graph, name), Output: output)).FirstOrDefault(s => s.Node is not null);
        if (selection.Node is not { } node || !made.Contains(node.Operand(0)) || !made.Contains(node.Operand(1)))
        {
            return new(names, own.Length, null, varies);
        }
        int Index(string tensor)
        {
            if (!names.Contains(tensor))
            {
                names.Add(tensor);
            }
            return names.IndexOf(tensor);
        }
        bool hasCentres = node.Integer("center_point_box", 0) == 1;
        var places = new Selection(selection.Output, Index(node.Operand(0)), Index(node.Operand(1)), hasCentres);
        return new(names, own.Length, places, varies);
    }

    /// <summary>Without what is read to measure only: where the other model does not have it.</summary>
    public WholeOutputs OwnOnly() => this with { Names = [.. Names.Take(Own)], Selection = null };

    /// <summary>The NonMaxSuppression that gives a tensor, or null.</summary>
    private static NodeProto? Selector(Graph graph, string tensor)
    {
        int maker = graph.Producer(tensor);
        while (maker >= 0 && graph.Nodes[maker] is { } node && node.IsStandard() && Passing.Contains(node.OpType))
        {
            maker = graph.Producer(node.Operand(0));
        }
        return maker >= 0 && graph.Nodes[maker].Is("NonMaxSuppression") ? graph.Nodes[maker] : null;
    }
}
