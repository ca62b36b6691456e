using System.Buffers;
using Clado.Graphs;
using Clado.Layers;
using Clado.Numerics;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Calibration;

/// <summary>Accumulates the Gram matrices and means of a layer's inputs, batch after batch.</summary>
internal sealed class LayerSum
{
    // More rows round no better (docs/decisions/2026-11-27-rows.md).
    private const int FewestRows = 8192;
    private const int RowsPerColumn = 16;

    // Rows of a chunk: two panels of them stay in the first-level cache.
    private const int ChunkRows = 256;
    private const int ChunkElements = 1 << 20;

    // Golden ratio: multiples of it, modulo 1, are spread evenly for any number of them.
    private const double GoldenRatio = 0.61803398874989485;

    private readonly Graph graph;
    private readonly QuantizableLayer layer;
    private readonly IReadOnlyList<LayerUse> uses;
    private readonly WeightMatrix matrix;
    private readonly GramSum[] sums;
    private readonly GramSum[] crosses;
    private readonly double[][] totals;
    private readonly double[][] floatTotals;
    private readonly long rowsPerImage;
    private long rowCount;

    /// <summary>Begins with zeros.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="uses">Nodes that use its weight.</param>
    /// <param name="isReplaced">
    /// Whether inputs come from a network in which weights are replaced. Then products with the float network's inputs are summed, too.
    /// </param>
    /// <param name="images">Images that will be added.</param>
    public LayerSum(Graph graph, QuantizableLayer layer, IReadOnlyList<LayerUse> uses, bool isReplaced, int images)
    {
        (this.graph, this.layer, this.uses, matrix) = (graph, layer, uses, WeightMatrix.Of(layer));
        GramSum[] Sums() => [.. Enumerable.Range(0, matrix.Groups).Select(_ => new GramSum(matrix.Columns))];
        (sums, crosses) = (Sums(), isReplaced ? Sums() : []);
        totals = [.. sums.Select(_ => new double[matrix.Columns])];
        floatTotals = [.. sums.Select(_ => new double[matrix.Columns])];
        rowsPerImage = (WantedRows(matrix.Columns) + images - 1) / images;
    }

    /// <summary>Rows that are summed, where the images have as many.</summary>
    /// <param name="columns">Columns of the weight's matrix. Range: [1, inf).</param>
    public static long WantedRows(int columns) => Math.Max(FewestRows, (long)RowsPerColumn * columns);

    /// <summary>Adds a batch.</summary>
    /// <param name="values">Inputs by the names of <see cref="LayerUse.Quantized"/>.</param>
    /// <param name="floats">Inputs in the float network, by the names of <see cref="LayerUse.Tensor"/>.</param>
    /// <param name="images">Images in the batch.</param>
    /// <param name="threads">Threads; the sum does not depend on their number.</param>
    public void Add(BatchTensors values, BatchTensors floats, int images, int threads)
    {
        foreach (var (node, tensor, quantized) in uses)
        {
            var rows = InputRows.Of(graph, node, layer, floats[tensor].GetTensorTypeAndShape().Shape);
            Add(rows, values[quantized], floats[tensor], Chosen(rows.Count, rowsPerImage * images), threads);
        }
    }

    /// <summary>The means over all rows that were added.</summary>
    /// <exception cref="CladoException">Inputs are not finite.</exception>
    public InputStatistics Result()
    {
        double divisor = Math.Max(1, rowCount);
        double[][] Mean(double[][] totals) => [.. totals.Select(total => Array.ConvertAll(total, sum => sum / divisor))];
        bool hasCross = crosses.Length > 0;
        var gram = sums.Select(s => s.Symmetric(divisor));
        var cross = crosses.Select(s => s.Full(divisor));
        var result = new InputStatistics(matrix.Columns, rowCount, [.. gram], hasCross ? [.. cross] : null)
        {
            Mean = Mean(totals),
            FloatMean = hasCross ? Mean(floatTotals) : null,
        };
        return result.IsFinite
            ? result
            : throw new CladoException(
                $"{Path.GetFileName(graph.File)}: the inputs of layer '{layer.Name}' are NaN or infinite on the calibration images; "
                + $"check {Settings.Preprocessing}, or use {Settings.Rounding} nearest");
    }

    /// <summary>Adds some rows, chunk by chunk.</summary>
    private void Add(InputRows rows, OrtValue values, OrtValue floats, ReadOnlySpan<int> chosen, int threads)
    {
        int width = GramSum.PackedWidth(matrix.Columns), chunk = Math.Clamp(ChunkElements / (width * matrix.Groups), 16, ChunkRows);
        int capacity = Math.Min(chunk, chosen.Length) * width * matrix.Groups;
        var packed = ArrayPool<float>.Shared.Rent(capacity);
        var other = crosses.Length == 0 ? packed : ArrayPool<float>.Shared.Rent(capacity);
        for (int start = 0; start < chosen.Length; start += chunk)
        {
            var part = chosen.Slice(start, Math.Min(chunk, chosen.Length - start));
            rows.Pack(values.GetTensorDataAsSpan<float>(), part, packed);
            if (crosses.Length > 0)
            {
                rows.Pack(floats.GetTensorDataAsSpan<float>(), part, other);
            }
            AddPacked(packed, other, part.Length, threads);
        }
        rowCount += chosen.Length;
        ArrayPool<float>.Shared.Return(packed);
        if (crosses.Length > 0)
        {
            ArrayPool<float>.Shared.Return(other);
        }
    }

    /// <summary>Adds packed rows of both networks to the sums of every group.</summary>
    private void AddPacked(float[] packed, float[] other, int rows, int threads)
    {
        int size = rows * GramSum.PackedWidth(matrix.Columns);
        for (int group = 0; group < sums.Length; group++)
        {
            var x = packed.AsMemory(group * size, size);
            sums[group].Add(x, rows, threads);
            GramSum.AddColumns(x.Span, rows, totals[group]);
            if (crosses.Length > 0)
            {
                var y = other.AsMemory(group * size, size);
                crosses[group].AddCross(x, y, rows, threads);
                GramSum.AddColumns(y.Span, rows, floatTotals[group]);
            }
        }
    }

    /// <summary>Rows spread evenly over a batch, or all of them.</summary>
    private int[] Chosen(int count, long wanted) => wanted >= count
        ? [.. Enumerable.Range(0, count)]
        : [.. Enumerable.Range(0, (int)wanted).Select(i => (int)((rowCount + i) * GoldenRatio % 1 * count))];
}
