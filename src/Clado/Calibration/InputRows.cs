using Clado.Graphs;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>
/// The vectors that a layer's weight matrix is multiplied with, read from the layer's input tensor: im2col, a row an output position.
/// A column is (channel, tap); a tap is an element of the kernel.
/// Its value is the element at <c>origin of the tap + channel · stride</c>, or a zero of the padding.
/// </summary>
internal sealed class InputRows
{
    private readonly WeightMatrix matrix;
    private readonly int channelStride;
    private readonly Action<int, int[]> origins;

    private InputRows(WeightMatrix matrix, int count, int channelStride, Action<int, int[]> origins) =>
        (this.matrix, Count, this.channelStride, this.origins) = (matrix, count, channelStride, origins);

    /// <summary>Rows in each group.</summary>
    public int Count { get; }

    /// <summary>Which of a node's inputs is the activation; -1 where the node does not read the weight the way its layer does.</summary>
    /// <param name="node">A node that reads the layer's weight.</param>
    /// <param name="layer">The layer.</param>
    public static int ActivationSlot(NodeProto node, QuantizableLayer layer)
    {
        int slot = WeightUse.Slot(node, layer.Weight);
        bool isTheLayersWay = slot >= 0 && WeightUse.ChannelAxis(node, slot) == layer.ChannelAxis
            && node.Integer("group", 1) == layer.Groups && (node.OpType == layer.Op || layer.Shape.Count == 2);
        return isTheLayersWay ? 1 - slot : -1;
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
        if (node.OpType is "Conv" or "ConvTranspose")
        {
            var convolution = ConvolutionGeometry.Of(graph, node, layer, dims);
            return new InputRows(matrix, convolution.RowCount, convolution.ChannelStride, convolution.Origins);
        }
        int count = dims.Aggregate(1, (product, dim) => product * dim) / matrix.Columns;
        bool transposed = node.Is("Gemm") ? node.Integer("transA", 0) != 0 : ActivationSlot(node, layer) == 1 && dims.Length > 1;
        if (!transposed)
        {
            return new InputRows(matrix, count, 1, (row, taps) => taps[0] = row * matrix.Columns);
        }
        // [.., columns, rows]: neighbouring columns of a row lie a line apart.
        int line = dims[^1];
        return new InputRows(matrix, count, line, (row, taps) => taps[0] = (row / line * matrix.Columns * line) + (row % line));
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
        for (int channel = group * matrix.InputChannels; channel < (group + 1) * matrix.InputChannels; channel++)
        {
            int start = channel * channelStride;
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
