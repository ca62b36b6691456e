using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>
/// Where the elements that a convolution multiplies with its kernel lie in its input: im2col for the ONNX operators Conv and ConvTranspose.
/// </summary>
internal sealed class ConvolutionGeometry
{
    // Sizes along each axis of the image. Shape: [axes].
    private readonly int[] input;
    private readonly int[] output;
    private readonly int[] kernel;
    private readonly int[] strides;
    private readonly int[] dilations;
    private readonly int[] pads;
    private readonly bool isTransposed;
    private readonly int positions;
    private readonly int imageSize;

    private ConvolutionGeometry(NodeProto node, int[] dims, int[] output, int[] kernel)
    {
        (this.output, this.kernel, input) = (output, kernel, dims[2..]);
        (strides, dilations) = (Sizes(node, "strides", input.Length), Sizes(node, "dilations", input.Length));
        isTransposed = node.OpType == "ConvTranspose";
        pads = [.. input.Select((_, axis) => LeadingPad(node, axis))];
        positions = Product(output);
        ChannelStride = Product(input);
        imageSize = dims[1] * ChannelStride;
        RowCount = dims[0] * positions;
    }

    /// <summary>Rows of im2col: output positions of all images.</summary>
    public int RowCount { get; }

    /// <summary>Elements from an input channel to the next.</summary>
    public int ChannelStride { get; }

    /// <summary>The geometry of a node.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="node">The convolution.</param>
    /// <param name="layer">Its layer.</param>
    /// <param name="dims">Shape of the input tensor: images, channels, sizes of the image. Shape: [2 + axes].</param>
    public static ConvolutionGeometry Of(Graph graph, NodeProto node, QuantizableLayer layer, int[] dims)
    {
        int[] output = [.. graph.Tensors[node.Output[0]].Shape.Skip(2).Select(d => (int)d)];
        int[] kernel = [.. layer.Shape.Skip(2).Select(d => (int)d)];
        return new ConvolutionGeometry(node, dims, output, kernel);
    }

    /// <summary>Where the first channel's element for each tap lies.</summary>
    /// <param name="row">The row. Range: [0, RowCount).</param>
    /// <param name="taps">Receives positions in the input tensor; -1 for padding. Shape: [taps].</param>
    public void Origins(int row, int[] taps)
    {
        int image = row / positions * imageSize;
        for (int tap = 0; tap < taps.Length; tap++)
        {
            int at = Within(row % positions, tap);
            taps[tap] = at < 0 ? -1 : image + at;
        }
    }

    /// <summary>The place in a channel of the input that a tap meets at an output position; -1 for padding.</summary>
    private int Within(int position, int tap)
    {
        int at = 0, size = 1;
        for (int d = input.Length - 1; d >= 0 && at >= 0; d--)
        {
            int o = position % output[d], k = tap % kernel[d] * dilations[d];
            // A transposed convolution adds input i to outputs i · stride + k − pad.
            int along = isTransposed ? o + pads[d] - k : (o * strides[d]) + k - pads[d];
            bool hit = !isTransposed || along % strides[d] == 0;
            along = isTransposed ? along / strides[d] : along;
            at = hit && along >= 0 && along < input[d] ? at + (along * size) : -1;
            size *= input[d];
            position /= output[d];
            tap /= kernel[d];
        }
        return at;
    }

    /// <summary>Padding before the first element of an axis.</summary>
    private int LeadingPad(NodeProto node, int axis)
    {
        var automatic = node.Find("auto_pad")?.S.ToStringUtf8() ?? "NOTSET";
        if (automatic == "VALID")
        {
            return 0;
        }
        if (automatic == "NOTSET" && !(isTransposed && node.Find("output_shape") is not null))
        {
            return node.Integers("pads") is { } given ? (int)given[axis] : 0;
        }
        int extent = ((kernel[axis] - 1) * dilations[axis]) + 1;
        int extra = isTransposed && node.Integers("output_padding") is { } padding ? (int)padding[axis] : 0;
        int total = Math.Max(0, isTransposed
            ? (strides[axis] * (input[axis] - 1)) + extra + extent - output[axis]
            : ((output[axis] - 1) * strides[axis]) + extent - input[axis]);
        return automatic == "SAME_UPPER" ? total / 2 : total - (total / 2);
    }

    /// <summary>An attribute with a size an axis; 1 where it is not given.</summary>
    private static int[] Sizes(NodeProto node, string name, int rank) =>
        node.Integers(name) is { } given ? [.. given.Select(v => (int)v)] : [.. Enumerable.Repeat(1, rank)];

    private static int Product(int[] sizes) => sizes.Aggregate(1, (product, size) => product * size);
}
