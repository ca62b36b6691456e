using Clado.Calibration;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Improves codes one at a time: code t goes where the output error <c>eᵀ(H + λ)e</c>, e = w − s q, is least with all other codes as they are,
/// <c>q_t + ((H + λ)e)_t / (s (H + λ)_tt)</c> rounded to the grid. The error never rises; it ends when a sweep changes nothing, or after a few.
/// </summary>
internal static class CoordinateDescent
{
    private const int MaximumSweeps = 8;

    /// <summary>Improves the codes of a layer.</summary>
    /// <param name="rows">Its weights.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="damping">λ of each group. Shape: [groups].</param>
    /// <param name="bits">Width of the grid.</param>
    /// <param name="rounded">Where to begin; the codes are replaced.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    public static void Improve(LayerRows rows, InputStatistics inputs, double[] damping, int bits, RoundedWeights rounded, int threads) =>
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var codes = Enumerable.Range(first, count).Select(row => rows.Gather(rounded.Codes, group, row)).ToArray();
            var steps = Enumerable.Range(first, count).Select(row => rounded.Scales[rows.Channel(group, row)]).ToArray();
            var errors = new float[rows.Columns * Lanes.Count];
            for (int lane = 0; lane < count; lane++)
            {
                var weights = rows[group, first + lane];
                for (int column = 0; column < weights.Length; column++)
                {
                    errors[(column * Lanes.Count) + lane] = weights[column] - (codes[lane][column] * steps[lane]);
                }
            }
            Improve(inputs.Gram[group], (float)damping[group], bits, steps, errors, codes);
            for (int lane = 0; lane < count; lane++)
            {
                rows.Scatter(codes[lane], group, first + lane, rounded.Codes);
            }
        });

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
