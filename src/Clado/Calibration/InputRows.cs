using Clado.Graphs;
using Clado.Layers;
using Clado.Numerics;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>
/// The vectors that a layer's weight matrix is multiplied with, taken out of the layer's input tensor: im2col, a row an output position. A column
/// (channel, tap) of a row is the element at <c>origin of the tap + channel · stride</c>, or a zero of the padding.
/// </summary>
internal sealed class InputRows
{
    private readonly WeightMatrix matrix;
    private readonly int channelStride;
    private readonly Action<int, int[]> origins;

    private InputRows(WeightMatrix matrix, int count, int channelStride, Action<int, int[]> origins) =>
        (this.matrix, Count, this.channelStride, this.origins) = (matrix, count, channelStride, origins);

    /// <summary>Rows a group.</summary>
    public int Count { get; }

    /// <summary>Which of a node's inputs is the activation, or -1 where the node does not read the weight the way its layer does.</summary>
    public static int ActivationSlot(NodeProto node, QuantizableLayer layer)
    {
        int slot = WeightUse.Slot(node, layer.Weight);
        return slot >= 0 && WeightUse.ChannelAxis(node, slot) == layer.ChannelAxis && node.Integer("group", 1) == layer.Groups
            && (node.OpType == layer.Op || layer.Shape.Count == 2) ? 1 - slot : -1;
    }

    /// <summary>The rows of a node's input.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="node">A node that reads the layer's weight.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="shape">Shape of the input tensor, all images of the batch together.</param>
    public static InputRows Of(Graph graph, NodeProto node, QuantizableLayer layer, ReadOnlySpan<long> shape)
    {
        var matrix = WeightMatrix.Of(layer);
        int[] dims = [.. shape.ToArray().Select(d => checked((int)d))];
        if (node.OpType is "Conv" or "ConvTranspose")
        {
            return Convolution(graph, node, layer, matrix, dims);
        }
        int elements = dims.Aggregate(1, (product, dim) => product * dim), count = elements / matrix.Columns;
        bool transposed = node.Is("Gemm") ? node.Integer("transA", 0) != 0 : ActivationSlot(node, layer) == 1 && dims.Length > 1;
        if (!transposed)
        {
            return new InputRows(matrix, count, 1, (row, taps) => taps[0] = row * matrix.Columns);
        }
        // [.., columns, rows]: neighbours in a row of ours lie a line apart.
        int line = dims[^1];
        return new InputRows(matrix, count, line, (row, taps) => taps[0] = (row / line * matrix.Columns * line) + (row % line));
    }

    /// <summary>Copies rows into packed panels, see <see cref="GramSum"/>; the last panel is filled up with zeros.</summary>
    /// <param name="values">The input tensor.</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="packed">A block a group. Shape: [groups, panels, rows, 16].</param>
    public void Pack(ReadOnlySpan<float> values, ReadOnlySpan<int> rows, Span<float> packed)
    {
        const int Width = GramSum.PanelWidth;
        int size = GramSum.PackedWidth(matrix.Columns) * rows.Length;
        var taps = new int[matrix.Taps];
        for (int i = 0; i < rows.Length; i++)
        {
            origins(rows[i], taps);
            for (int group = 0; group < matrix.Groups; group++)
            {
                // Column by column: 16 of them in a panel, then on to the row's place in the next.
                var target = packed.Slice(group * size, size);
                int at = i * Width, end = at + Width;
                for (int channel = group * matrix.InputChannels; channel < (group + 1) * matrix.InputChannels; channel++)
                {
                    int start = channel * channelStride;
                    foreach (int origin in taps)
                    {
                        if (at == end)
                        {
                            at += (rows.Length - 1) * Width;
                            end = at + Width;
                        }
                        target[at++] = origin < 0 ? 0 : values[origin + start];
                    }
                }
                target[at..end].Clear();
            }
        }
    }

    private static InputRows Convolution(Graph graph, NodeProto node, QuantizableLayer layer, WeightMatrix matrix, int[] dims)
    {
        int rank = dims.Length - 2;
        int[] Attribute(string name) => node.Integers(name) is { } given ? [.. given.Select(v => (int)v)] : [.. Enumerable.Repeat(1, rank)];
        int[] input = dims[2..], output = [.. graph.Tensors[node.Output[0]].Shape.Skip(2).Select(d => (int)d)], kernel = [.. layer.Shape.Skip(2).Select(d => (int)d)];
        int[] strides = Attribute("strides"), dilations = Attribute("dilations");
        bool spreads = node.OpType == "ConvTranspose";
        int[] pads = [.. Enumerable.Range(0, rank).Select(d => LeadingPad(node, d, input[d], output[d], ((kernel[d] - 1) * dilations[d]) + 1, strides[d]))];
        int area = input.Aggregate(1, (product, dim) => product * dim), positions = output.Aggregate(1, (product, dim) => product * dim);
        int image = dims[1] * area;
        return new InputRows(matrix, dims[0] * positions, area, (row, taps) =>
        {
            for (int tap = 0; tap < taps.Length; tap++)
            {
                int at = 0, size = 1, position = row % positions, offset = tap;
                for (int d = rank - 1; d >= 0 && at >= 0; d--)
                {
                    int o = position % output[d], k = offset % kernel[d] * dilations[d];
                    // A transposed convolution spreads input i over outputs i · stride + k − pad.
                    int along = spreads ? o + pads[d] - k : (o * strides[d]) + k - pads[d];
                    bool hit = !spreads || along % strides[d] == 0;
                    along = spreads ? along / strides[d] : along;
                    at = hit && along >= 0 && along < input[d] ? at + (along * size) : -1;
                    size *= input[d];
                    position /= output[d];
                    offset /= kernel[d];
                }
                taps[tap] = at < 0 ? -1 : (row / positions * image) + at;
            }
        });
    }

    /// <summary>Padding before the first element of an axis (ONNX, operators Conv and ConvTranspose).</summary>
    private static int LeadingPad(NodeProto node, int axis, int input, int output, int extent, int stride)
    {
        var automatic = node.Find("auto_pad")?.S.ToStringUtf8() ?? "NOTSET";
        bool spreads = node.OpType == "ConvTranspose";
        if (automatic == "VALID")
        {
            return 0;
        }
        if (automatic == "NOTSET" && !(spreads && node.Find("output_shape") is not null))
        {
            return node.Integers("pads") is { } pads ? (int)pads[axis] : 0;
        }
        int extra = spreads && node.Integers("output_padding") is { } padding ? (int)padding[axis] : 0;
        int total = Math.Max(0, spreads ? (stride * (input - 1)) + extra + extent - output : ((output - 1) * stride) + extent - input);
        return automatic == "SAME_UPPER" ? total / 2 : total - (total / 2);
    }
}
