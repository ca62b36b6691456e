using Clado.Calibration;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;

namespace Clado.Equalization;

/// <summary>
/// Scales the channels between consecutive layers so that the readers' weights are rounded with less output error.
/// Every output channel has a step of its own, so factors change nothing for the layer that makes the channels.
/// A reader rounds an input channel the finer, the larger its factor.
/// The factors are <c>√(r / c)</c>: r is the channel's root mean square, c the largest weight that reads it
/// (range equalization, arXiv 1906.04721, eq. 11, with r for the producer's range). They are taken where they lower the output error.
/// </summary>
internal static class Equalizer
{
    // A few percent of one layer's error do not pay for the ceilings that a Clip may need, nor for their time.
    private const double WorthwhileRatio = 0.95;
    private const double LargestFactor = 32;

    /// <summary>Finds factors for every tensor that has any that help.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="pairs">The tensors that may be scaled. Shape: [pairs].</param>
    /// <param name="rounding">How weights will be rounded.</param>
    /// <param name="bits">The width to judge by. Range: [2, 8].</param>
    /// <param name="work">Calibration images; stops between two tensors.</param>
    /// <returns>Shape: [scaled tensors].</returns>
    public static IReadOnlyList<ChannelScaling> Choose(
        Graph graph, IReadOnlyList<ChannelPair> pairs, IRounding rounding, int bits, Workload work)
    {
        var scalings = new List<ChannelScaling>();
        using var statistics = InputMeasurement.Measure(graph, [.. pairs.SelectMany(p => p.Consumers)], work).GetEnumerator();
        foreach (var (pair, i) in pairs.Select((pair, i) => (pair, i)))
        {
            work.Cancellation.ThrowIfCancellationRequested();
            Reader[] readers = [.. pair.Consumers.Select(layer => new Reader(
                layer,
                TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]),
                statistics.MoveNext() ? statistics.Current : throw new InvalidOperationException("Statistics of fewer layers than asked for.")))];
            if (Best(pair, readers, rounding, bits, work.Threads) is { } scaling)
            {
                scalings.Add(scaling);
            }
            work.Progress?.Report((i + 1.0) / pairs.Count);
        }
        return scalings;
    }

    private static ChannelScaling? Best(ChannelPair pair, Reader[] readers, IRounding rounding, int bits, int threads)
    {
        double Balance(int c) => Math.Sqrt(Math.Sqrt(readers.Max(r => r.MeanSquare(c))) / readers.Max(r => r.LargestWeight(c)));
        float[] factors = Factors([.. Enumerable.Range(0, pair.Channels).Select(Balance)]);
        float[] ones = [.. factors.Select(_ => 1f)];
        // The mean over readers of what is left of each one's error.
        double ratio = readers.Average(r => r.Error(ones, rounding, bits, threads) is var before and > 0 ? r.Error(factors, rounding, bits, threads) / before : 1);
        return ratio < WorthwhileRatio ? new ChannelScaling(pair.Tensor, [.. pair.Consumers.Select(c => c.Name)], ratio, factors) : null;
    }

    /// <summary>Values over their geometric mean; 1 for a channel that is always zero, or that nobody reads.</summary>
    private static float[] Factors(double[] values)
    {
        double middle = Math.Exp(values.Where(double.IsNormal).Select(value => Math.Log(value)).DefaultIfEmpty().Average());
        return [.. values.Select(value => double.IsNormal(value) ? (float)Math.Clamp(value / middle, 1 / LargestFactor, LargestFactor) : 1)];
    }

    /// <summary>A layer that reads the channels.</summary>
    private sealed class Reader(QuantizableLayer layer, float[] weights, InputStatistics inputs)
    {
        private readonly WeightMatrix matrix = WeightMatrix.Of(layer);
        private readonly InputStatistics judged = layer.Bias is null ? inputs : inputs.Centred();

        /// <summary>Mean square of an input channel over all places.</summary>
        public double MeanSquare(int channel)
        {
            var (group, first) = Place(channel);
            return Enumerable.Range(first, matrix.Taps).Average(column => (double)inputs.Gram[group][column * (matrix.Columns + 1)]);
        }

        public double LargestWeight(int channel)
        {
            var (group, first) = Place(channel);
            double largest = 0;
            for (int row = 0; row < matrix.Rows; row++)
            {
                for (int column = first; column < first + matrix.Taps; column++)
                {
                    largest = Math.Max(largest, Math.Abs(weights[matrix.Position(group, row, column)]));
                }
            }
            return largest;
        }

        /// <summary>Mean squared output error of the layer when its weights are rounded with these factors.</summary>
        public double Error(float[] factors, IRounding rounding, int bits, int threads)
        {
            float[] scaled = EqualizedGraph.Read(layer, weights, factors);
            var divided = judged with { Gram = [.. judged.Gram.Select((gram, group) => Divided(gram, group, factors))], Mean = null };
            var rounded = rounding.Round(layer, scaled, [bits], divided, threads)[0];
            return new OutputError(new LayerRows(layer, scaled), divided, new double[matrix.Groups], threads).Of(rounded).Sum();
        }

        /// <summary>Group of an input channel, and the first of its columns there.</summary>
        private (int Group, int First) Place(int channel) =>
            (channel / matrix.InputChannels, channel % matrix.InputChannels * matrix.Taps);

        private float[] Divided(float[] gram, int group, float[] factors)
        {
            float Factor(int column) => factors[(group * matrix.InputChannels) + (column / matrix.Taps)];
            var divided = new float[gram.Length];
            for (int i = 0; i < matrix.Columns; i++)
            {
                float own = Factor(i);
                for (int j = 0; j < matrix.Columns; j++)
                {
                    divided[(i * matrix.Columns) + j] = gram[(i * matrix.Columns) + j] / (own * Factor(j));
                }
            }
            return divided;
        }
    }
}
