using System.Buffers;
using Clado.Graphs;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Calibration;

/// <summary>A node that uses a layer's weight the layer's way.</summary>
/// <param name="Node">The node.</param>
/// <param name="Tensor">Its input in the float network.</param>
/// <param name="Quantized">Its input in the network in which weights are replaced; the same where none are.</param>
internal sealed record LayerUse(NodeProto Node, string Tensor, string Quantized)
{
    /// <summary>The nodes that use a layer's weight.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="replaced">The network in which weights are replaced: it reads them in the same order, whatever else it has.</param>
    /// <param name="layer">The layer.</param>
    public static IReadOnlyList<LayerUse> Of(Graph graph, Graph replaced, QuantizableLayer layer) =>
        [.. layer.Nodes.Zip(replaced.Consumers(layer.Weight), (own, other) => (Node: graph.Nodes[own], Other: replaced.Nodes[other]))
            .Select(n => (n.Node, n.Other, Slot: InputRows.ActivationSlot(n.Node, layer)))
            .Where(n => n.Slot >= 0 && graph.Tensors.ContainsKey(n.Node.Operand(n.Slot)))
            .Select(n => new LayerUse(n.Node, n.Node.Operand(n.Slot), n.Other.Operand(n.Slot)))];
}

/// <summary>Adds up products and values of a layer's inputs, batch after batch.</summary>
internal sealed class LayerSum
{
    // More rows round no better (docs/decisions/2026-11-27-rows.md).
    private const int FewestRows = 8192;
    private const int RowsPerColumn = 16;

    // Rows of a chunk: two panels of them stay in the first-level cache.
    private const int ChunkRows = 256;
    private const int ChunkElements = 1 << 20;

    // Golden ratio: multiples of it, modulo 1, are spread evenly however many are taken.
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
    /// Whether inputs come from a network in which weights are replaced: products with the float network's are wanted then, too.
    /// </param>
    /// <param name="images">Images that will be added.</param>
    public LayerSum(Graph graph, QuantizableLayer layer, IReadOnlyList<LayerUse> uses, bool isReplaced, int images)
    {
        (this.graph, this.layer, this.uses, matrix) = (graph, layer, uses, WeightMatrix.Of(layer));
        GramSum[] Sums() => [.. Enumerable.Range(0, matrix.Groups).Select(_ => new GramSum(matrix.Columns))];
        (sums, crosses) = (Sums(), isReplaced ? Sums() : []);
        totals = [.. sums.Select(_ => new double[matrix.Columns])];
        floatTotals = [.. sums.Select(_ => new double[matrix.Columns])];
        long wanted = Math.Max(FewestRows, (long)RowsPerColumn * matrix.Columns);
        rowsPerImage = (wanted + images - 1) / images;
    }

    /// <summary>Adds a batch.</summary>
    /// <param name="values">Inputs by name, as <see cref="LayerUse.Quantized"/> calls them.</param>
    /// <param name="floats">Those of the float network.</param>
    /// <param name="images">Images in the batch.</param>
    /// <param name="threads">Threads to use; the sum does not depend on it.</param>
    public void Add(BatchTensors values, BatchTensors floats, int images, int threads)
    {
        foreach (var (node, tensor, quantized) in uses)
        {
            var rows = InputRows.Of(graph, node, layer, floats[tensor].GetTensorTypeAndShape().Shape);
            Add(rows, values[quantized], floats[tensor], Chosen(rows.Count, rowsPerImage * images), threads);
        }
    }

    /// <summary>The means of what was added.</summary>
    /// <exception cref="CladoException">Inputs are not finite.</exception>
    public InputStatistics Result()
    {
        double divisor = Math.Max(1, rowCount);
        double[][] Mean(double[][] totals) => [.. totals.Select(total => Array.ConvertAll(total, sum => sum / divisor))];
        var result = new InputStatistics(
            matrix.Columns, rowCount, [.. sums.Select(s => s.Symmetric(divisor))], crosses.Length == 0 ? null : [.. crosses.Select(s => s.Full(divisor))])
        {
            Mean = Mean(totals),
            FloatMean = crosses.Length == 0 ? null : Mean(floatTotals),
        };
        return result.IsFinite
            ? result
            : throw new CladoException(
                $"{Path.GetFileName(graph.File)}: the inputs of layer '{layer.Name}' are NaN or infinite on the calibration images; "
                + "check --preprocess, or use --rounding nearest");
    }

    private void Add(InputRows rows, OrtValue values, OrtValue floats, ReadOnlySpan<int> chosen, int threads)
    {
        int width = GramSum.PackedWidth(matrix.Columns), chunk = Math.Clamp(ChunkElements / (width * matrix.Groups), 16, ChunkRows);
        int capacity = Math.Min(chunk, chosen.Length) * width * matrix.Groups;
        var packed = ArrayPool<float>.Shared.Rent(capacity);
        var other = crosses.Length == 0 ? packed : ArrayPool<float>.Shared.Rent(capacity);
        for (int start = 0; start < chosen.Length; start += chunk)
        {
            var part = chosen.Slice(start, Math.Min(chunk, chosen.Length - start));
            int size = part.Length * width;
            rows.Pack(values.GetTensorDataAsSpan<float>(), part, packed);
            if (crosses.Length > 0)
            {
                rows.Pack(floats.GetTensorDataAsSpan<float>(), part, other);
            }
            for (int group = 0; group < sums.Length; group++)
            {
                var x = packed.AsMemory(group * size, size);
                sums[group].Add(x, part.Length, threads);
                GramSum.AddColumns(x.Span, part.Length, totals[group]);
                if (crosses.Length > 0)
                {
                    var y = other.AsMemory(group * size, size);
                    crosses[group].AddCross(x, y, part.Length, threads);
                    GramSum.AddColumns(y.Span, part.Length, floatTotals[group]);
                }
            }
        }
        rowCount += chosen.Length;
        ArrayPool<float>.Shared.Return(packed);
        if (crosses.Length > 0)
        {
            ArrayPool<float>.Shared.Return(other);
        }
    }

    /// <summary>Rows spread evenly over a batch, or all of them.</summary>
    private int[] Chosen(int count, long wanted) => wanted >= count
        ? [.. Enumerable.Range(0, count)]
        : [.. Enumerable.Range(0, (int)wanted).Select(i => (int)((rowCount + i) * GoldenRatio % 1 * count))];
}
