using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Clado.Calibration;
using Clado.Layers;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Rounding to nearest: every weight goes to the nearest point of a symmetric grid (docs/method.md, "Rounding").
/// The scale of a channel is the one of least squared weight error among <c>max|w| · r / highest code</c>, r from 1.2 down to 0.2.
/// Where 8-bit codes need a larger scale (<see cref="KernelPairs"/>), it is that one. All of them are scales that the layer can have
/// (<see cref="ScaleCodes"/>).
/// </summary>
internal sealed class NearestRounding : IRounding
{
    private const float WidestRatio = 1.2f;
    private const float RatioStep = 0.0125f;
    private const int RatioCount = 81;

    /// <inheritdoc/>
    public string Name => "nearest";

    /// <inheritdoc/>
    public bool NeedsInputs => false;

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Length, layer.Parameters);
        return Round(layer, weights, widths, threads, BestScale);
    }

    /// <summary>Rounds every weight to the nearest code, with scales of any rule.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Float weights. Shape: [parameters].</param>
    /// <param name="widths">Bits a weight. Shape: [widths].</param>
    /// <param name="threads">Threads; results do not depend on their number.</param>
    /// <param name="scale">The rule.</param>
    internal static IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, int threads, ScaleRule scale) =>
        [.. widths.Select(bits => Round(layer, weights, bits, threads, scale))];

    private static RoundedWeights Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, int bits, int threads, ScaleRule scale)
    {
        var codes = new sbyte[weights.Length];
        var scales = new float[layer.ChannelCount];
        var pairs = KernelPairs.Of(layer, bits);
        Parallel.For(0, scales.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, c =>
        {
            int[] positions = layer.Positions(c);
            var channel = Gather(weights.Span, positions);
            float best = scale(layer, channel, bits), least = pairs?.LeastScale(channel) ?? 0;
            scales[c] = least > best ? layer.ScaleFrom(least) : best;
            var own = new sbyte[channel.Length];
            for (int i = 0; i < own.Length; i++)
            {
                own[i] = (sbyte)Code(channel[i], scales[c], bits);
            }
            pairs?.Limit(own);
            for (int i = 0; i < own.Length; i++)
            {
                codes[positions[i]] = own[i];
            }
        });
        return new RoundedWeights(codes, scales);
    }

    /// <summary>The code nearest to a weight; halves go to the even code.</summary>
    internal static float Code(float weight, float scale, int bits) =>
        Math.Clamp(MathF.Round(weight / scale), Grid.Lowest(bits), Grid.Highest(bits));

    private static float BestScale(QuantizableLayer layer, ReadOnlySpan<float> channel, int bits)
    {
        float largest = 0;
        foreach (float w in channel)
        {
            largest = Math.Max(largest, Math.Abs(w));
        }
        // All weights are zero, or so small that the grid's step would be no normal number. Any scale gives zeros.
        if (largest / Grid.Highest(bits) * (WidestRatio - (RatioStep * RatioCount)) < 1e-37f)
        {
            return layer.NearestScale(1);
        }
        var (best, least) = (0f, double.PositiveInfinity);
        for (int step = 0; step < RatioCount; step++)
        {
            float scale = layer.NearestScale(largest * (WidestRatio - (RatioStep * step)) / Grid.Highest(bits));
            double error = SquaredError(channel, scale, bits);
            if (error < least)
            {
                (best, least) = (scale, error);
            }
        }
        return best;
    }

    /// <summary>
    /// Squared error of a channel on a grid. It is summed in eight lanes on any machine, so that every machine chooses the same scale.
    /// </summary>
    internal static double SquaredError(ReadOnlySpan<float> channel, float scale, int bits)
    {
        var (lowest, highest) = (Vector256.Create((float)Grid.Lowest(bits)), Vector256.Create((float)Grid.Highest(bits)));
        var step = Vector256.Create(scale);
        var sum = Vector256<float>.Zero;
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(channel);
        foreach (var w in vectors)
        {
            var code = Vector256.Min(Vector256.Max(Vector256.Round(w / step), lowest), highest);
            var error = w - (code * step);
            sum += error * error;
        }
        double total = Vector256.Sum(sum);
        foreach (float w in channel[(vectors.Length * Vector256<float>.Count)..])
        {
            float error = w - (Code(w, scale, bits) * scale);
            total += error * error;
        }
        return total;
    }

    /// <summary>Gives the scale of a channel, one that the layer can have.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="channel">The channel's weights. Shape: [weights].</param>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    internal delegate float ScaleRule(QuantizableLayer layer, ReadOnlySpan<float> channel, int bits);

    private static float[] Gather(ReadOnlySpan<float> weights, int[] positions)
    {
        var values = new float[positions.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = weights[positions[i]];
        }
        return values;
    }
}
