using Clado.Graphs;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>
/// The vectors that a layer's weight matrix is multiplied with, read from the layer's input tensor: im2col, a row an output position.
/// A column is (channel, tap); a tap is an element of the kernel.
/// Its value is the element at <c>origin of the tap + start of the group + channel · stride</c>, or a zero of the padding.
/// </summary>
internal sealed class InputRows
{
    private readonly WeightMatrix matrix;
    private readonly int channelStride;
    private readonly int[] groupStarts;
    private readonly Action<int, int[]> origins;

    private InputRows(WeightMatrix matrix, ProductGeometry geometry)
    {
        (this.matrix, Count, channelStride) = (matrix, geometry.RowCount, geometry.ChannelStride);
        (groupStarts, origins) = (geometry.GroupStarts, (row, taps) => taps[0] = geometry.Origin(row));
    }

    private InputRows(WeightMatrix matrix, ConvolutionGeometry geometry)
    {
        (this.matrix, Count, channelStride) = (matrix, geometry.RowCount, geometry.ChannelStride);
        groupStarts = [.. Enumerable.Range(0, matrix.Groups).Select(group => group * matrix.InputChannels * channelStride)];
        origins = geometry.Origins;
    }

    /// <summary>Rows in each group.</summary>
    public int Count { get; }

    /// <summary>The tensor that a node multiplies the weight with; null where it does not read the weight the way its layer does.</summary>
    /// <param name="node">A node that reads the layer's weight.</param>
    /// <param name="layer">The layer.</param>
    public static string? Tensor(NodeProto node, QuantizableLayer layer)
    {
        int rank = layer.Shape.Count, slot = WeightUse.Slot(node, layer.Weight, rank);
        bool isTheLayersWay = layer.HasKnownInputs && slot >= 0 && WeightUse.ChannelAxis(node, slot, rank) == layer.ChannelAxis
            && node.Integer("group", 1) == layer.Groups && (node.OpType == layer.Op || rank == 2);
        return isTheLayersWay ? WeightUse.Factor(node, slot) : null;
    }

    /// <summary>The rows of a node's input.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="node">A node that reads the layer's weight.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="shape">Shape of the input tensor, the batch included. Shape: [dimensions].</param>
    public static InputRows Of(Graph graph, NodeProto node, QuantizableLayer layer, ReadOnlySpan<long> shape)
    {
        var matrix = WeightMatrix.Of(layer);
        int[] dims = [.. shape.ToArray().Select(d => checked((int)d))];
        return node.OpType is "Conv" or "ConvTranspose"
            ? new InputRows(matrix, ConvolutionGeometry.Of(graph, node, layer, dims))
            : new InputRows(matrix, ProductGeometry.Of(node, layer, dims));
    }

    /// <summary>Copies rows into packed panels (<see cref="GramSum"/>). The last panel is padded with zeros.</summary>
    /// <param name="values">The input tensor. Shape: that given to <see cref="Of"/>, flat.</param>
    /// <param name="rows">Which rows. Range: [0, Count).</param>
    /// <param name="packed">Receives the panels, a block a group. Shape: [groups, panels, rows, 16].</param>
    public void Pack(ReadOnlySpan<float> values, ReadOnlySpan<int> rows, Span<float> packed)
    {
        int size = GramSum.PackedWidth(matrix.Columns) * rows.Length;
        var taps = new int[matrix.Taps];
        for (int i = 0; i < rows.Length; i++)
        {
            origins(rows[i], taps);
            for (int group = 0; group < matrix.Groups; group++)
            {
                PackRow(values, taps, group, packed.Slice(group * size, size)[(i * GramSum.PanelWidth)..], rows.Length);
            }
        }
    }

    /// <summary>Copies one row of a group: 16 columns into a panel, then on to the row's place in the next.</summary>
    private void PackRow(ReadOnlySpan<float> values, int[] taps, int group, Span<float> target, int rowCount)
    {
        const int Width = GramSum.PanelWidth;
        int at = 0, end = Width;
        for (int channel = 0; channel < matrix.InputChannels; channel++)
        {
            int start = groupStarts[group] + (channel * channelStride);
            foreach (int origin in taps)
            {
                if (at == end)
                {
                    at += (rowCount - 1) * Width;
                    end = at + Width;
                }
                target[at++] = origin < 0 ? 0 : values[origin + start];
            }
        }
        target[at..end].Clear();
    }
}
