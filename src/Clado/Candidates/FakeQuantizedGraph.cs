using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Candidates;

/// <summary>
/// A network as it computes with quantized weights and their biases, in floats: what the written file computes, to the last bit.
/// </summary>
internal static class FakeQuantizedGraph
{
    /// <summary>Replaces the weights and biases of some layers by those of candidates.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="chosen">At most one candidate a layer.</param>
    public static Graph Of(Graph graph, IEnumerable<Candidate> chosen) => graph.With(chosen.SelectMany(Constants));

    private static IEnumerable<TensorProto> Constants(Candidate candidate)
    {
        yield return TensorData.Singles(candidate.Layer.Weight, candidate.Dequantize(), [.. candidate.Layer.Shape]);
        if (candidate.Bias is { } bias)
        {
            yield return TensorData.Singles(candidate.Layer.Bias!, bias, bias.Length);
        }
    }
}
