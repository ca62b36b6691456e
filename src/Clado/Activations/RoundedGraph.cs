using Clado.Graphs;

namespace Clado.Activations;

/// <summary>A network as it computes with 8-bit activations, in floats.</summary>
internal static class RoundedGraph
{
    /// <summary>Puts activations on their grids; weights and biases stay as they are, under their names.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="activations">The grids.</param>
    public static Graph Of(Graph graph, QuantizedActivations activations)
    {
        var model = graph.Model.Clone();
        ActivationNodes.Insert(model, activations.Plan, activations.Ranges, new TensorNames(graph), null);
        return graph.With(model);
    }
}
