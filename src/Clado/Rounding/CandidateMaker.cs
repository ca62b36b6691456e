using Clado.Calibration;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>Makes the candidates of a network.</summary>
public static class CandidateMaker
{
    /// <summary>Rounds every layer to each of its widths.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers to search. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid.</param>
    /// <param name="inputs">What each layer's inputs are like, read in turn; null for a rounding that does not need them.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two layers.</param>
    /// <exception cref="OnnxFormatException">A weight holds NaN or infinity.</exception>
    public static CandidateSet Make(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding, IEnumerable<InputStatistics>? inputs, int threads,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rounding);
        var names = new TensorNames(graph);
        var weights = layers.Select(layer => Weights(graph, layer)).ToArray();
        var candidates = new List<Candidate>();
        using var statistics = inputs?.GetEnumerator();
        foreach (var (layer, i) in layers.Select((layer, i) => (layer, i)))
        {
            cancellation.ThrowIfCancellationRequested();
            var own = statistics is null ? null : statistics.MoveNext() ? statistics.Current : throw new ArgumentException("Statistics of fewer layers than there are.", nameof(inputs));
            var correction = BiasCorrection.Of(graph, layer, weights[i], own);
            // An error is fed back along an output's weights, and these are not the same for all uses.
            var fitting = layer.ChannelAxis is null ? new NearestRounding() : rounding;
            var rounded = fitting.Round(layer, weights[i], widths[i], correction is null ? own : own!.Centred(), threads);
            candidates.AddRange(widths[i].Zip(rounded, (bits, r) => Make(layer, weights[i], bits, r, correction, names, graph.Opset)));
            progress?.Report((i + 1.0) / layers.Count);
        }
        return new CandidateSet(layers, candidates);
    }

    /// <summary>
    /// Rounds one layer after the other, each on the inputs that it has where the layers before it are rounded already (each at the middle one of its widths), to
    /// give the outputs of the float network: a layer makes good what earlier ones have lost.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="behind">The network that rounded layers run in: the same, or the same with its activations rounded.</param>
    /// <param name="layers">The layers, in order of execution. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid; one that needs inputs.</param>
    /// <param name="images">Calibration images.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <param name="memoryBytes">Memory to stay under. Range: [1, inf).</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two layers.</param>
    /// <exception cref="CladoException">A weight or an input is not finite.</exception>
    public static CandidateSet MakeInTurn(
        Graph graph, Graph behind, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding, ImageSet images,
        Preprocessing preprocessing, int threads, long memoryBytes, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        using var inputs = new InputsInTurn(graph, behind, layers, images, preprocessing, threads, memoryBytes);
        var candidates = new List<Candidate>();
        foreach (var (layer, i) in layers.Select((layer, i) => (layer, i)))
        {
            var own = Make(graph, [layer], [widths[i]], rounding, [inputs.Next(cancellation)], threads, null, cancellation).Items;
            candidates.AddRange(own);
            var middle = own[own.Count / 2];
            inputs.Replace(layer.Weight, middle.Dequantize());
            if (middle.Bias is { } bias)
            {
                inputs.Replace(layer.Bias!, bias);
            }
            progress?.Report((i + 1.0) / layers.Count);
        }
        return new CandidateSet(layers, candidates);
    }

    private static float[] Weights(Graph graph, QuantizableLayer layer)
    {
        var weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        return weights.Any(w => !float.IsFinite(w))
            ? throw new OnnxFormatException(graph.File, "holds NaN or infinity; repair the model, or keep the layer with --pin NAME=float", layer.Name, layer.Weight)
            : weights;
    }

    private static Candidate Make(QuantizableLayer layer, float[] weights, int bits, RoundedWeights rounded, BiasCorrection? correction, TensorNames names, int opset)
    {
        var candidate = new Candidate { Layer = layer, Bits = bits, Codes = rounded.Codes, Scales = rounded.Scales, SizeBytes = 0, SquaredError = 0 };
        var dequantized = candidate.Dequantize();
        double error = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            double difference = (double)weights[i] - dequantized[i];
            error += difference * difference;
        }
        return candidate with { SquaredError = error, Bias = correction?.Corrected(dequantized), SizeBytes = WeightSize.Of(layer, bits, names, opset) };
    }
}
