using Clado.Calibration;
using Clado.Layers;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Greedy path following (GPFQ, arXiv 2201.11113, eq. 3): columns in their own order, code t the one that brings <c>Σ_{s≤t} q_s x̃_s</c> nearest to
/// <c>Σ_{s≤t} w_s x_s</c>, x̃ the inputs of the quantized network and x those of the float one (the same where only one is known). Written with the Gram matrices
/// G = x̃ᵀx̃ and C = x̃ᵀx: <c>q_t = round((Σ_{s≤t} C_ts w_s − Σ_{s&lt;t} G_ts q_s) / G_tt)</c>. Scales are those of least weight error.
/// </summary>
public sealed class GpfqRounding : IRounding
{
    /// <inheritdoc/>
    public string Name => "gpfq";

    /// <inheritdoc/>
    public bool NeedsInputs => true;

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var rows = new LayerRows(layer, weights.Span);
        var nearest = new NearestRounding().Round(layer, weights, widths, null, threads);
        return [.. widths.Zip(nearest, (bits, start) =>
        {
            var codes = Codes(rows, inputs, bits, start.Scales, threads);
            if (KernelPairs.Of(layer, bits) is { } pairs)
            {
                rows.Limit(pairs, codes);
            }
            return start with { Codes = codes };
        })];
    }

    private static sbyte[] Codes(LayerRows rows, InputStatistics inputs, int bits, float[] scales, int threads)
    {
        var codes = new sbyte[rows.Count * rows.Columns];
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var (gram, cross) = (inputs.Gram[group], (inputs.Cross ?? inputs.Gram)[group]);
            var (weights, values) = (new float[rows.Columns * Lanes.Count], new float[rows.Columns * Lanes.Count]);
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = i % Lanes.Count < count ? rows[group, first + (i % Lanes.Count)][i / Lanes.Count] : 0;
            }
            var own = new sbyte[count][];
            for (int lane = 0; lane < count; lane++)
            {
                own[lane] = new sbyte[rows.Columns];
            }
            Span<float> wanted = stackalloc float[Lanes.Count];
            Span<float> given = stackalloc float[Lanes.Count];
            for (int t = 0; t < rows.Columns; t++)
            {
                int at = t * rows.Columns;
                wanted.Clear();
                given.Clear();
                Lanes.Accumulate(cross.AsSpan(at, t + 1), weights, wanted);
                Lanes.Accumulate(gram.AsSpan(at, t), values, given);
                for (int lane = 0; lane < count; lane++)
                {
                    // An input that is never anything but zero says nothing: its weight goes to the nearest point.
                    float target = gram[at + t] > 0 ? (wanted[lane] - given[lane]) / gram[at + t] : weights[(t * Lanes.Count) + lane];
                    float scale = scales[rows.Channel(group, first + lane)];
                    float code = NearestRounding.Code(target, scale, bits);
                    own[lane][t] = (sbyte)code;
                    values[(t * Lanes.Count) + lane] = code * scale;
                }
            }
            for (int lane = 0; lane < count; lane++)
            {
                rows.Scatter(own[lane], group, first + lane, codes);
            }
        });
        return codes;
    }
}
