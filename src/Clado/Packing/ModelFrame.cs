using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Packing;

/// <summary>What of a model is in the written file whatever the widths are.</summary>
internal static class ModelFrame
{
    /// <summary>
    /// The model without the layers' weights, and without what a file to run does not need: shapes of activations, doc strings, exporter's
    /// notes on nodes.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are taken out. Shape: [layers].</param>
    public static ModelProto Of(Graph graph, IReadOnlyList<QuantizableLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var model = graph.Model.Clone();
        model.ClearDocString();
        model.ProducerName = "clado";
        model.ClearProducerVersion();
        model.Graph.ClearDocString();
        model.Graph.ValueInfo.Clear();
        foreach (var node in GraphWalk.AtEveryDepth(model.Graph.Node))
        {
            node.ClearDocString();
            node.MetadataProps.Clear();
        }
        var weights = layers.Select(l => l.Weight).ToHashSet();
        foreach (var tensor in model.Graph.Initializer.ToArray())
        {
            tensor.ClearDocString();
            if (weights.Contains(tensor.Name))
            {
                model.Graph.Initializer.Remove(tensor);
            }
        }
        return model;
    }
}
