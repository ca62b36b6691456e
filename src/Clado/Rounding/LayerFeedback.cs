using System.Numerics.Tensors;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>Error feedback over all rows of a layer.</summary>
/// <param name="rows">The layer's weights.</param>
/// <param name="factors">The factorised Gram matrix of each group. Shape: [groups].</param>
/// <param name="threads">Threads; results do not depend on their number.</param>
internal sealed class LayerFeedback(LayerRows rows, ErrorFeedback[] factors, int threads)
{
    /// <summary>The layer's weights.</summary>
    public LayerRows Rows => rows;

    /// <summary>Rounds the layer.</summary>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <param name="scales">The scales. Shape: [channels].</param>
    /// <returns>Codes of each row. Shape: [rows][columns]. And its output error, damping included. Shape: [rows].</returns>
    public (sbyte[][] Codes, double[] Errors) Codes(int bits, float[] scales)
    {
        var (codes, errors) = (new sbyte[rows.Count][], new double[rows.Count]);
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var lanes = Enumerable.Range(first, count).Select(row => rows[group, row]).ToArray();
            var steps = Enumerable.Range(first, count).Select(row => scales[rows.Channel(group, row)]).ToArray();
            var block = new sbyte[count * rows.Columns];
            var losses = factors[group].Round(lanes, steps, bits, block);
            for (int i = 0; i < count; i++)
            {
                errors[rows.Index(group, first + i)] = losses[i];
                codes[rows.Index(group, first + i)] = block[(i * rows.Columns)..((i + 1) * rows.Columns)];
            }
        });
        return (codes, errors);
    }

    /// <summary>The scale of least output error of each channel.</summary>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    /// <param name="tried">Scales to choose from, as many for each channel. Shape: [channels][scales], at most 32 scales.</param>
    /// <returns>Shape: [channels].</returns>
    public float[] BestScales(int bits, float[][] tried)
    {
        int choices = tried[0].Length;
        var losses = new float[rows.Count][];
        rows.ForEachBlock(Lanes.Count / choices, threads, (group, first, count) =>
        {
            // A lane is a row with one of the scales.
            var lanes = Enumerable.Range(0, count * choices).Select(lane => rows[group, first + (lane / choices)]).ToArray();
            float[] scales = [.. Enumerable.Range(first, count).SelectMany(row => tried[rows.Channel(group, row)])];
            var own = factors[group].Round(lanes, scales, bits, []);
            for (int i = 0; i < count; i++)
            {
                losses[rows.Index(group, first + i)] = own[(i * choices)..((i + 1) * choices)];
            }
        });
        var errors = Array.ConvertAll(tried, scales => new double[scales.Length]);
        rows.ForEachRow((group, row) =>
        {
            var (sum, own) = (errors[rows.Channel(group, row)], losses[rows.Index(group, row)]);
            for (int i = 0; i < own.Length; i++)
            {
                sum[i] += own[i];
            }
        });
        return [.. tried.Zip(errors, (scales, sum) => scales[TensorPrimitives.IndexOfMin<double>(sum)])];
    }
}
