using Clado.Calibration;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>The mean squared error of a layer's outputs on its calibration inputs, <c>eᵀ H e</c> a channel with e = w − q (H: their Gram matrix).</summary>
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
        var errors = new double[rows.ChannelCount];
        rows.ForEachRow((group, row) => errors[rows.Channel(group, row)] += perRow[rows.Index(group, row)]);
        return errors;
    }

    /// <summary>The best scales for given codes, least squares with the damping: <c>qᵀ(H + λ)w / qᵀ(H + λ)q</c>; a channel of zero codes keeps its scale.</summary>
    /// <param name="codes">Shape: [parameters].</param>
    /// <param name="scales">Shape: [channels].</param>
    /// <returns>Shape: [channels].</returns>
    public float[] BestScales(sbyte[] codes, float[] scales)
    {
        var (cross, square) = (new double[rows.Count], new double[rows.Count]);
        var current = new RoundedWeights(codes, scales);
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var weights = Vectors(group, first, count, (_, _, weight) => weight, current);
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
        var (crosses, squares) = (new double[scales.Length], new double[scales.Length]);
        rows.ForEachRow((group, row) =>
        {
            crosses[rows.Channel(group, row)] += cross[rows.Index(group, row)];
            squares[rows.Channel(group, row)] += square[rows.Index(group, row)];
        });
        return [.. scales.Select((scale, c) => (float)(crosses[c] / squares[c]) is var best && float.IsNormal(best) ? best : scale)];
    }

    private float[] Vectors(int group, int first, int count, Func<(sbyte[] Codes, float Scale), int, float, float> value, RoundedWeights rounded)
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
