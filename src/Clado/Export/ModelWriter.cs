using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Export;

/// <summary>Builds the quantized model.</summary>
internal static class ModelWriter
{
    /// <summary>Puts one candidate a layer into the network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="activations">The grids of its activations; null to leave them floats.</param>
    /// <returns>
    /// A model of the graph's opset whose weights are packed at their width. With grids, ONNX Runtime fuses it to integer kernels as it is.
    /// Without, it folds what makes the weights float at load with <c>session.disable_quant_qdq = 1</c>.
    /// </returns>
    public static ModelProto Build(Graph graph, IReadOnlyList<Candidate> chosen, QuantizedActivations? activations = null)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        QuantizableLayer[] layers = [.. chosen.Select(c => c.Layer)];
        var model = ModelFrame.Of(graph, layers);
        var names = new TensorNames(graph);
        foreach (var (name, bias) in chosen.Where(c => c.Bias is not null).Select(c => (c.Layer.Bias!, c.Bias!)))
        {
            TensorData.Overwrite(model.Graph.Initializer.First(t => t.Name == name), bias);
        }
        if (activations is not null)
        {
            chosen = new IntegerBiases(graph, chosen, activations).Chosen;
            QdqInsertion.Into(model, activations, names, integerBiases: true);
        }
        var unpacking = chosen.Select(c => activations?.Plan.UnpackingOf(c.Layer) ?? Unpacking.ForKernels).ToArray();
        var encoded = chosen.Zip(unpacking, (c, how) => WeightEncoding.Encode(c, names, graph.Opset, how)).ToArray();
        model.Graph.Initializer.Add(encoded.SelectMany(e => e.Initializers));
        var nodes = model.Graph.Node.ToArray();
        model.Graph.Node.Clear();
        model.Graph.Node.Add(encoded.SelectMany(e => e.Nodes));
        model.Graph.Node.Add(nodes);
        ModelFrame.Finish(model, graph, layers, [.. chosen.Select(c => c.Layer.CodesScalesAt(c.Bits) ? c.Scales : null)]);
        UnpackingFunctions.AddTo(model, chosen.SelectMany(c => c.Functions(activations?.Plan)));
        return model;
    }
}
