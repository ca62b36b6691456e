using Clado.Calibration;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// The mean squared error of a layer's outputs on its calibration inputs.
/// Of a channel it is <c>eᵀ H e</c>, with the error e = w − q of its weights and the Gram matrix H of its inputs.
/// </summary>
/// <param name="rows">Its weights w.</param>
/// <param name="inputs">Its inputs.</param>
/// <param name="damping">λ of each group. Shape: [groups].</param>
/// <param name="threads">Threads; results do not depend on their number.</param>
internal sealed class OutputError(LayerRows rows, InputStatistics inputs, double[] damping, int threads)
{
    /// <summary>The error of each channel. Shape: [channels].</summary>
    /// <param name="rounded">Codes and scales.</param>
    public double[] Of(RoundedWeights rounded)
    {
        var perRow = new double[rows.Count];
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var error = Vectors(group, first, count, (row, column, weight) => weight - (row.Codes[column] * row.Scale), rounded);
            Lanes.Forms(inputs.Gram[group], error, error).Square.AsSpan(0, count).CopyTo(perRow.AsSpan(rows.Index(group, first)));
        });
        return rows.SumByChannel(perRow);
    }

    /// <summary>
    /// The scales of least error for codes q: <c>qᵀ(H + λ)w / qᵀ(H + λ)q</c>, least squares with the damping λ.
    /// A channel whose codes are all zero keeps its scale.
    /// </summary>
    /// <param name="codes">The codes. Shape: [parameters].</param>
    /// <param name="scales">The scales so far. Shape: [channels].</param>
    /// <returns>Shape: [channels].</returns>
    public float[] BestScales(sbyte[] codes, float[] scales)
    {
        var (cross, square) = (new double[rows.Count], new double[rows.Count]);
        var current = new RoundedWeights(codes, scales);
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var weights = rows.Interleaved(group, first, count);
            var values = Vectors(group, first, count, (row, column, _) => row.Codes[column], current);
            var (c, s) = Lanes.Forms(inputs.Gram[group], weights, values);
            for (int i = 0; i < count; i++)
            {
                int index = rows.Index(group, first + i);
                (cross[index], square[index]) = (c[i], s[i]);
                for (int column = 0; column < rows.Columns; column++)
                {
                    double code = values[(column * Lanes.Count) + i];
                    cross[index] += damping[group] * code * weights[(column * Lanes.Count) + i];
                    square[index] += damping[group] * code * code;
                }
            }
        });
        var (crosses, squares) = (rows.SumByChannel(cross), rows.SumByChannel(square));
        return [.. scales.Select((scale, c) => (float)(crosses[c] / squares[c]) is var best && float.IsNormal(best) ? best : scale)];
    }

    /// <summary>A value of every weight of some rows. Shape: [columns, 32].</summary>
    private float[] Vectors(
        int group, int first, int count, Func<(sbyte[] Codes, float Scale), int, float, float> value, RoundedWeights rounded)
    {
        var vectors = new float[rows.Columns * Lanes.Count];
        for (int lane = 0; lane < count; lane++)
        {
            var weights = rows[group, first + lane];
            var row = (rows.Gather(rounded.Codes, group, first + lane), rounded.Scales[rows.Channel(group, first + lane)]);
            for (int column = 0; column < weights.Length; column++)
            {
                vectors[(column * Lanes.Count) + lane] = value(row, column, weights[column]);
            }
        }
        return vectors;
    }
}
