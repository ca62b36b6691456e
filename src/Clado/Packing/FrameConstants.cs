using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>Makes the constants of a model smaller that no choice changes: every value stays.</summary>
internal static class FrameConstants
{
    /// <summary>Writes equal constants once, and whole numbers in as few bytes as they need.</summary>
    /// <param name="model">The model, whose constants have the graph's names; changed in place.</param>
    /// <param name="graph">The network.</param>
    /// <param name="others">Names of constants that are left alone: they may change, or are written otherwise.</param>
    public static void Shrink(ModelProto model, Graph graph, IReadOnlySet<string> others)
    {
        Merge(model.Graph, graph, others);
        foreach (var tensor in model.Graph.Initializer.Where(tensor => (DataType)tensor.DataType == DataType.Int64 && tensor.HasRawData))
        {
            var short64 = tensor.Clone();
            short64.ClearRawData();
            short64.Int64Data.Add(TensorData.ReadIntegers(graph.File, tensor));
            if (short64.CalculateSize() < tensor.CalculateSize())
            {
                tensor.ClearRawData();
                tensor.Int64Data.Add(short64.Int64Data);
            }
        }
    }

    private static void Merge(GraphProto target, Graph graph, IReadOnlySet<string> others)
    {
        HashSet<string> own =
        [
            .. others, .. graph.Outputs, .. target.Input.Select(input => input.Name),
            .. GraphWalk.NamesInBodies(target),
        ];
        var merged = target.Initializer.Where(tensor => graph.Initializers.ContainsKey(tensor.Name) && !own.Contains(tensor.Name))
            .GroupBy(Contents).SelectMany(same => same.Skip(1).Select(tensor => (tensor, kept: same.First().Name))).ToArray();
        var names = merged.ToDictionary(p => p.tensor.Name, p => p.kept);
        foreach (var node in target.Node)
        {
            GraphWalk.Rename(node, names);
        }
        foreach (var (tensor, _) in merged)
        {
            target.Initializer.Remove(tensor);
        }
    }

    /// <summary>All of a tensor but its name.</summary>
    private static TensorProto Contents(TensorProto tensor)
    {
        // Bytes are shared with the copy.
        var contents = tensor.Clone();
        contents.ClearName();
        return contents;
    }
}
