using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Export;

/// <summary>The written model's bits computed with in floats: what a written file should give, and is compared with.</summary>
internal static class SimulatedModel
{
    /// <summary>The float network with dequantized weights, its activations rounded to their grids.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="activations">The grids of its activations; null to leave them floats.</param>
    public static ModelProto Build(Graph graph, IReadOnlyList<Candidate> chosen, QuantizedActivations? activations)
    {
        if (activations is null)
        {
            return QuantizedGraph.Of(graph, chosen).Model;
        }
        var biases = new IntegerBiases(graph, chosen, activations);
        var model = QuantizedGraph.Of(graph, biases.Chosen).Model.Clone();
        var names = new TensorNames(graph);
        foreach (var node in activations.Plan.Nodes.Where(n => n.Bias is not null))
        {
            var rounded = biases.Rounded(node);
            model.Graph.Node[node.Node].Input[2] = names.Of('c', node.Node);
            model.Graph.Initializer.Add(TensorData.Singles(names.Of('c', node.Node), rounded, rounded.Length));
        }
        ActivationNodes.Insert(model, activations.Plan, activations.Ranges, names, null);
        return model;
    }
}
