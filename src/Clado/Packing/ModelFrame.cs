using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Packing;

/// <summary>What of a model is in the written file whatever the widths are.</summary>
internal static class ModelFrame
{
    /// <summary>
    /// The model without the layers' weights, and without what a file to run does not need: shapes of activations, doc strings, exporter's
    /// notes on nodes, attributes that say what their operator does anyway.
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
            DefaultAttributes.Remove(node);
        }
        foreach (var node in model.Graph.Node.Where(node => node.Is("Conv") || node.Is("ConvTranspose")))
        {
            if (graph.Initializers.TryGetValue(node.Operand(1), out var kernels))
            {
                DefaultAttributes.RemoveKernelShape(node, kernels.Dims);
            }
        }
        foreach (var end in model.Graph.Input.Concat(model.Graph.Output))
        {
            end.ClearDocString();
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

    /// <summary>
    /// A layer's scales in the tensor of all. Every layer that may have codes has a place there, which is empty where its scales are
    /// floats.
    /// </summary>
    private static (string Name, float[] Scales) Coded(QuantizableLayer layer, float[]? scales, TensorNames names)
    {
        float[] own = scales ?? new float[layer.ChannelCount];
        if (scales is null)
        {
            Array.Fill(own, ScaleCodes.Smallest);
        }
        return (names.Of(scales is null ? TensorRole.NoScales : TensorRole.WeightScales, layer.Index), own);
    }

    /// <summary>Shrinks what is around the weights, when all is in the model: the last step of what is written.</summary>
    /// <param name="model">The model; changed in place.</param>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="scales">
    /// Of every layer those that are written as codes; null where they are floats. Shape: [layers][channels].
    /// </param>
    public static void Finish(ModelProto model, Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<float[]?> scales)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var (names, halves) = (new TensorNames(graph), HalfConstants.Of(graph, layers));
        FrameConstants.Shrink(model, graph, layers.Select(layer => layer.Bias).OfType<string>().Concat(halves).ToHashSet());
        SharedConstants.WriteHalves(model, halves, names);
        SharedConstants.WriteScales(
            model, [.. layers.Zip(scales).Where(p => p.First.HasCodedScales).Select(p => Coded(p.First, p.Second, names))], names);
        EndTypes.AddTo(model, graph);
        ShortNames.Apply(model, graph.NamesInFile);
    }
}
