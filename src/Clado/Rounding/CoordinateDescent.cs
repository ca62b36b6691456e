using Clado.Calibration;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Coordinate descent on the codes q of a row with weights w and scale s.
/// It lowers the output error <c>eᵀ(H + λ)e</c> with e = w − s q, the Gram matrix H and the damping λ.
/// With all other codes fixed, the best code t is <c>q_t + ((H + λ)e)_t / (s (H + λ)_tt)</c>, rounded to the grid.
/// The error never rises. Descent ends when a pass over all codes changes nothing, or after a few passes.
/// </summary>
internal static class CoordinateDescent
{
    private const int MaximumSweeps = 8;

    /// <summary>Improves the codes of a layer.</summary>
    /// <param name="rows">Its weights.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="damping">λ of each group. Shape: [groups].</param>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <param name="rounded">The start; its codes are replaced.</param>
    /// <param name="threads">Threads; results do not depend on their number.</param>
    public static void Improve(LayerRows rows, InputStatistics inputs, double[] damping, int bits, RoundedWeights rounded, int threads) =>
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var codes = Enumerable.Range(first, count).Select(row => rows.Gather(rounded.Codes, group, row)).ToArray();
            var steps = Enumerable.Range(first, count).Select(row => rounded.Scales[rows.Channel(group, row)]).ToArray();
            var errors = Errors(rows, group, first, codes, steps);
            Improve(inputs.Gram[group], (float)damping[group], bits, steps, errors, codes);
            for (int lane = 0; lane < count; lane++)
            {
                rows.Scatter(codes[lane], group, first + lane, rounded.Codes);
            }
        });

    /// <summary>The error e of every row. Shape: [columns, 32].</summary>
    private static float[] Errors(LayerRows rows, int group, int first, sbyte[][] codes, float[] steps)
    {
        var errors = new float[rows.Columns * Lanes.Count];
        for (int lane = 0; lane < codes.Length; lane++)
        {
            var weights = rows[group, first + lane];
            for (int column = 0; column < weights.Length; column++)
            {
                errors[(column * Lanes.Count) + lane] = weights[column] - (codes[lane][column] * steps[lane]);
            }
        }
        return errors;
    }

    private static void Improve(float[] gram, float damping, int bits, float[] steps, float[] errors, sbyte[][] codes)
    {
        int columns = errors.Length / Lanes.Count;
        Span<float> slope = stackalloc float[Lanes.Count];
        for (int sweep = 0; sweep < MaximumSweeps; sweep++)
        {
            bool changed = false;
            for (int t = 0; t < columns; t++)
            {
                var row = gram.AsSpan(t * columns, columns);
                float curvature = row[t] + damping;
                slope.Clear();
                Lanes.Accumulate(row, errors, slope);
                for (int lane = 0; lane < steps.Length; lane++)
                {
                    ref float error = ref errors[(t * Lanes.Count) + lane];
                    float wanted = codes[lane][t] + ((slope[lane] + (damping * error)) / (curvature * steps[lane]));
                    int code = (int)Math.Clamp(MathF.Round(wanted), Grid.Lowest(bits), Grid.Highest(bits));
                    if (code != codes[lane][t])
                    {
                        error += (codes[lane][t] - code) * steps[lane];
                        codes[lane][t] = (sbyte)code;
                        changed = true;
                    }
                }
            }
            if (!changed)
            {
                return;
            }
        }
    }
}
