using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Candidates;

/// <summary>Makes the candidates of a network.</summary>
public static class CandidateMaker
{
    /// <summary>Rounds every layer to each of its widths.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers to search. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two candidates.</param>
    /// <exception cref="OnnxFormatException">A weight holds NaN or infinity.</exception>
    public static CandidateSet Make(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        var names = new WeightNames(graph);
        var candidates = new List<Candidate>();
        foreach (var (layer, bits) in layers.Zip(widths).SelectMany(pair => pair.Second.Select(b => (pair.First, b))))
        {
            cancellation.ThrowIfCancellationRequested();
            candidates.Add(Make(graph, layer, bits, rounding, names));
            progress?.Report((double)candidates.Count / widths.Sum(w => w.Count));
        }
        return new CandidateSet(layers, candidates);
    }

    private static Candidate Make(Graph graph, QuantizableLayer layer, int bits, IRounding rounding, WeightNames names)
    {
        var weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        if (weights.Any(w => !float.IsFinite(w)))
        {
            throw new OnnxFormatException(graph.File, "holds NaN or infinity; repair the model, or keep the layer with --pin NAME=float", layer.Name, layer.Weight);
        }
        var (codes, scales) = rounding.Round(layer, weights, bits);
        var candidate = new Candidate { Layer = layer, Bits = bits, Codes = codes, Scales = scales, SizeBytes = 0, SquaredError = 0 };
        var dequantized = candidate.Dequantize();
        double error = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            double difference = (double)weights[i] - dequantized[i];
            error += difference * difference;
        }
        return candidate with { SquaredError = error, SizeBytes = WeightEncoding.Encode(candidate, names).SizeBytes };
    }
}
