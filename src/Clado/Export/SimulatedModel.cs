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
            return FakeQuantizedGraph.Of(graph, chosen).Model;
        }
        var biases = new IntegerBiases(graph, chosen, activations);
        var model = FakeQuantizedGraph.Of(graph, biases.Chosen).Model.Clone();
        var names = new TensorNames(graph);
        foreach (var node in activations.Plan.Nodes.Where(n => n.Bias is not null))
        {
            var name = names.Of(TensorRole.FloatBias, node.Node);
            var rounded = biases.Rounded(node);
            model.Graph.Node[node.Node].SetOperand(2, name);
            model.Graph.Initializer.Add(TensorData.Singles(name, rounded, rounded.Length));
        }
        QdqInsertion.Into(model, activations, names, integerBiases: false);
        return model;
    }
}
