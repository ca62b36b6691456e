using Clado.Calibration;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Rounding;

namespace Clado.Equalization;

/// <summary>
/// Cross-layer equalization: scales the channels between consecutive layers so that rounding the readers' weights gives less output error.
/// The layer that computes the channels is rounded as before, because each of its output channels has a scale of its own.
/// The larger the factor of an input channel, the finer its reader rounds it.
/// The factors are <c>√(r / c)</c>, where r is the channel's root mean square and c the largest weight that reads it.
/// That is range equalization (arXiv 1906.04721, eq. 11) with r in place of the producer's range.
/// Factors are kept where they lower the output error.
/// </summary>
internal static class Equalizer
{
    // A few percent of one layer's error do not pay for the ceilings that a Clip may need, nor for their time.
    private const double WorthwhileRatio = 0.95;
    private const double LargestFactor = 32;

    /// <summary>Finds factors for every tensor where they help.</summary>
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
            var readers = new List<ChannelReader>();
            foreach (var layer in pair.Consumers)
            {
                var weights = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Weight]);
                readers.Add(new ChannelReader(layer, weights, statistics.MoveNext()
                    ? statistics.Current
                    : throw new InvalidOperationException("Statistics of fewer layers than asked for.")));
            }
            if (Best(pair, readers, rounding, bits, work.Threads) is { } scaling)
            {
                scalings.Add(scaling);
            }
            work.Progress?.Report((i + 1.0) / pairs.Count);
        }
        return scalings;
    }

    private static ChannelScaling? Best(ChannelPair pair, List<ChannelReader> readers, IRounding rounding, int bits, int threads)
    {
        double Balance(int c) => Math.Sqrt(Math.Sqrt(readers.Max(r => r.MeanSquare(c))) / readers.Max(r => r.LargestWeight(c)));
        float[] factors = Factors([.. Enumerable.Range(0, pair.Channels).Select(Balance)]);
        float[] ones = [.. factors.Select(_ => 1f)];
        // The mean over readers of the share of error that remains.
        double Remaining(ChannelReader reader) =>
            reader.Error(ones, rounding, bits, threads) is var before and > 0 ? reader.Error(factors, rounding, bits, threads) / before : 1;
        double ratio = readers.Average(Remaining);
        return ratio < WorthwhileRatio ? new ChannelScaling(pair.Tensor, [.. pair.Consumers.Select(c => c.Name)], ratio, factors) : null;
    }

    /// <summary>Values divided by their geometric mean; 1 for a channel that is always zero, or that nobody reads.</summary>
    private static float[] Factors(double[] values)
    {
        double middle = Math.Exp(values.Where(double.IsNormal).Select(value => Math.Log(value)).DefaultIfEmpty().Average());
        float Factor(double value) => double.IsNormal(value) ? (float)Math.Clamp(value / middle, 1 / LargestFactor, LargestFactor) : 1;
        return [.. values.Select(Factor)];
    }
}
