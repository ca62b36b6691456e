using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Export;

/// <summary>Builds the quantized model.</summary>
public static class ModelWriter
{
    /// <summary>Puts one candidate a layer into the network.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <returns>
    /// A model of opset 25 and IR version 13 whose weights are packed at their width, each made float by a DequantizeLinear (or a function that
    /// ends in one) that ONNX Runtime folds at load with <c>session.disable_quant_qdq = 1</c>.
    /// </returns>
    public static ModelProto Build(Graph graph, IReadOnlyList<Candidate> chosen)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        var model = FileSize.Frame(graph, [.. chosen.Select(c => c.Layer)]);
        var names = new WeightNames(graph);
        var encoded = chosen.Select(c => WeightEncoding.Encode(c, names)).ToArray();
        model.Graph.Initializer.Add(encoded.SelectMany(e => e.Initializers));
        var biases = chosen.Where(c => c.Bias is not null).ToDictionary(c => c.Layer.Bias!, c => c.Bias!);
        foreach (var tensor in model.Graph.Initializer.Where(t => biases.ContainsKey(t.Name)))
        {
            TensorData.Overwrite(tensor, biases[tensor.Name]);
        }
        var nodes = model.Graph.Node.ToArray();
        model.Graph.Node.Clear();
        model.Graph.Node.Add(encoded.Select(e => e.Node));
        model.Graph.Node.Add(nodes);
        BitPlanes.AddFunctions(model, chosen.Select(c => c.Bits));
        return model;
    }
}
