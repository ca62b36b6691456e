using Clado.Calibration;
using Clado.Layers;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Greedy path-following quantization (GPFQ, arXiv 2201.11113, eq. 3).
/// Columns are rounded in their own order: code t brings <c>Σ_{s≤t} q_s x̃_s</c> nearest to <c>Σ_{s≤t} w_s x_s</c>.
/// Here x̃ are the inputs in the quantized network and x those in the float network, or both the same where only one is known.
/// With G = x̃ᵀx̃ and C = x̃ᵀx this is <c>q_t = round((Σ_{s≤t} C_ts w_s − Σ_{s&lt;t} G_ts q_s) / G_tt)</c>.
/// Scales are those of least weight error (<see cref="NearestRounding"/>).
/// </summary>
internal sealed class GpfqRounding : IRounding
{
    /// <inheritdoc/>
    public string Name => "gpfq";

    /// <inheritdoc/>
    public bool NeedsInputs => true;

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        var rows = new LayerRows(layer, weights.Span);
        var nearest = new NearestRounding().Round(layer, weights, widths, null, threads);
        return [.. widths.Zip(nearest, (bits, start) =>
        {
            var codes = Codes(rows, inputs!, bits, start.Scales, threads);
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
            var steps = Enumerable.Range(first, count).Select(row => scales[rows.Channel(group, row)]).ToArray();
            var lanes = Lanes.Interleaved([.. Enumerable.Range(first, count).Select(row => rows[group, row])], rows.Columns);
            var own = Follow(lanes, inputs.Gram[group], (inputs.Cross ?? inputs.Gram)[group], steps, bits);
            for (int lane = 0; lane < count; lane++)
            {
                rows.Scatter(own[lane], group, first + lane, codes);
            }
        });
        return codes;
    }

    /// <summary>The codes of up to 32 rows.</summary>
    /// <param name="weights">w. Shape: [columns, 32].</param>
    /// <param name="gram">G. Shape: [columns, columns].</param>
    /// <param name="cross">C. Shape: [columns, columns].</param>
    /// <param name="steps">The scale of each row. Shape: [rows].</param>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <returns>Shape: [rows][columns].</returns>
    private static sbyte[][] Follow(float[] weights, float[] gram, float[] cross, float[] steps, int bits)
    {
        int columns = weights.Length / Lanes.Count;
        var codes = steps.Select(_ => new sbyte[columns]).ToArray();
        var values = new float[weights.Length];
        Span<float> wanted = stackalloc float[Lanes.Count];
        Span<float> given = stackalloc float[Lanes.Count];
        for (int t = 0; t < columns; t++)
        {
            int at = t * columns;
            wanted.Clear();
            given.Clear();
            Lanes.Accumulate(cross.AsSpan(at, t + 1), weights, wanted);
            Lanes.Accumulate(gram.AsSpan(at, t), values, given);
            for (int lane = 0; lane < steps.Length; lane++)
            {
                int place = (t * Lanes.Count) + lane;
                // Where an input is always zero, any code will do: the weight goes to the nearest one.
                float target = gram[at + t] > 0 ? (wanted[lane] - given[lane]) / gram[at + t] : weights[place];
                float code = NearestRounding.Code(target, steps[lane], bits);
                codes[lane][t] = (sbyte)code;
                values[place] = code * steps[lane];
            }
        }
        return codes;
    }
}
