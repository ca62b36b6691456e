using Clado.Calibration;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>Makes the candidates of a network.</summary>
internal static class CandidateMaker
{
    /// <summary>Rounds every layer to each of its widths.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers to search. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid.</param>
    /// <param name="work">Calibration images, looked at where the rounding needs inputs; stops between two layers.</param>
    /// <exception cref="CladoException">A weight or an input is not finite.</exception>
    public static CandidateSet Make(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding, Workload work)
    {
        int images = work.Images.Items.Count;
        double Weights(int i) => RoundingCost.OfWeights(layers[i], widths[i].Count, rounding.NeedsInputs);
        double Inputs(QuantizableLayer layer) => rounding.NeedsInputs ? RoundingCost.OfInputs(layer, images) : 0;
        var done = new WorkProgress(layers.Select((layer, i) => Inputs(layer) + Weights(i)).Sum(), work.Progress);
        var inputs = rounding.NeedsInputs
            ? InputMeasurement.Measure(graph, layers, work, (layer, share) => done.Add(share * Inputs(layer)))
            : null;
        var candidates = new List<Candidate>();
        foreach (var (i, own) in Round(graph, layers, widths, rounding, inputs, work.Threads).Index())
        {
            candidates.AddRange(own);
            done.Add(Weights(i));
            work.Cancellation.ThrowIfCancellationRequested();
        }
        return new CandidateSet(layers, candidates);
    }

    /// <summary>The same with inputs that are known.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers to search. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid.</param>
    /// <param name="inputs">What each layer's inputs are like; null for a rounding that does not need them. Shape: [layers].</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <exception cref="OnnxFormatException">A weight holds NaN or infinity.</exception>
    public static CandidateSet Make(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding,
        IEnumerable<InputStatistics>? inputs, int threads) =>
        new(layers, [.. Round(graph, layers, widths, rounding, inputs, threads).SelectMany(own => own)]);

    /// <summary>
    /// Rounds one layer after the other, on the inputs that it gets when the layers before it are rounded already, each at the middle
    /// of its widths. The target are the outputs of the float network, so that a layer corrects errors of earlier ones.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="replaced">The network that rounded layers run in: the same one, or the one with quantized activations.</param>
    /// <param name="layers">The layers, in order of execution. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer, ascending. Shape: [layers][widths]. Range: [2, 8].</param>
    /// <param name="rounding">How weights are put on the grid; one that needs inputs.</param>
    /// <param name="work">Calibration images; stops between two layers.</param>
    /// <param name="choose">
    /// Of a layer, by its position, and its candidates, the one that is kept alone, and stands before later layers; null to keep all, the
    /// middle one standing there.
    /// </param>
    /// <exception cref="CladoException">A weight or an input is not finite.</exception>
    public static CandidateSet MakeSequentially(
        Graph graph, Graph replaced, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding,
        Workload work, Func<int, IReadOnlyList<Candidate>, Candidate>? choose = null)
    {
        using var inputs = new SequentialCalibration(graph, replaced, layers, work);
        var candidates = new List<Candidate>();
        foreach (var (layer, i) in layers.Select((layer, i) => (layer, i)))
        {
            work.Cancellation.ThrowIfCancellationRequested();
            var own = Make(graph, [layer], [widths[i]], rounding, [inputs.Next()], work.Threads).Items;
            var middle = choose?.Invoke(i, own) ?? own[own.Count / 2];
            candidates.AddRange(choose is null ? own : [middle]);
            inputs.Replace(layer.Weight, middle.Dequantize());
            if (middle.Bias is { } bias)
            {
                inputs.Replace(layer.Bias!, bias);
            }
            work.Progress?.Report((i + 1.0) / layers.Count);
        }
        return new CandidateSet(layers, candidates);
    }

    /// <summary>Candidates of one layer after the other, made when they are asked for. Shape: [layers][widths].</summary>
    private static IEnumerable<IEnumerable<Candidate>> Round(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, IRounding rounding,
        IEnumerable<InputStatistics>? inputs, int threads)
    {
        var names = new TensorNames(graph);
        // All weights are checked before the first layer is rounded: rounding takes long.
        var weights = layers.Select(layer => Weights(graph, layer)).ToArray();
        using var statistics = inputs?.GetEnumerator();
        foreach (var (layer, i) in layers.Select((layer, i) => (layer, i)))
        {
            var own = statistics is null ? null
                : statistics.MoveNext() ? statistics.Current
                : throw new ArgumentException("Statistics of fewer layers than there are.", nameof(inputs));
            var correction = BiasCorrection.Of(graph, layer, weights[i], own);
            var fitting = layer.HasKnownInputs ? rounding : new NearestRounding();
            var rounded = fitting.Round(layer, weights[i], widths[i], correction is null ? own : own!.Centred(), threads);
            var grid = WeightGrid.Find(layer, weights[i]);
            yield return widths[i].Zip(rounded, (bits, r) =>
            {
                if (grid?.IsIn(bits) != true)
                {
                    return Make(layer, weights[i], bits, r, correction, names, graph.Opset);
                }
                // Nothing is rounded, so there is nothing to correct but what earlier layers have lost.
                var (taken, isWhole) = grid.Or(r, layer, mayOverflow: graph.ActivationGrids > 0);
                bool corrects = !isWhole || own?.FloatMean is not null;
                return Make(layer, weights[i], bits, taken, corrects ? correction : null, names, graph.Opset);
            }).ToArray();
        }
    }

    private static float[] Weights(Graph graph, QuantizableLayer layer)
    {
        var weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
        return weights.Any(w => !float.IsFinite(w))
            ? throw new OnnxFormatException(
                graph.File, $"holds NaN or infinity; repair the model, or keep the layer with {Settings.Pins} NAME=float",
                layer.Name, layer.Weight)
            : weights;
    }

    private static Candidate Make(
        QuantizableLayer layer, float[] weights, int bits, RoundedWeights rounded, BiasCorrection? correction, TensorNames names, int opset)
    {
        var candidate = new Candidate
        {
            Layer = layer,
            Bits = bits,
            Codes = rounded.Codes,
            Scales = rounded.Scales,
            SizeBytes = 0,
            SquaredError = 0,
        };
        var dequantized = candidate.Dequantize();
        double error = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            double difference = (double)weights[i] - dequantized[i];
            error += difference * difference;
        }
        return candidate with
        {
            SquaredError = error,
            Bias = correction?.Corrected(dequantized),
            SizeBytes = WeightSize.Of(layer, bits, names, opset),
        };
    }
}
