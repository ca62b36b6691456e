using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Candidates;

/// <summary>A network as it computes with quantized weights, in floats: what the written file computes, to the last bit.</summary>
internal static class QuantizedGraph
{
    /// <summary>Replaces the weights of some layers by those of candidates.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="chosen">At most one candidate a layer.</param>
    public static Graph Of(Graph graph, IEnumerable<Candidate> chosen) =>
        graph.With(chosen.Select(c => TensorData.Singles(c.Layer.Weight, c.Dequantize(), [.. c.Layer.Shape])));
}
