using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Calibration;

/// <summary>
/// Where the vectors that a matrix is multiplied with lie in the other factor of a product, or in the inputs and hidden states of a
/// recurrent node.
/// </summary>
internal sealed class ProductGeometry
{
    // What rows are counted along, the last one fastest. Shape: [axes].
    private readonly (int Size, int Stride)[] axes;

    private ProductGeometry((int Size, int Stride)[] axes, int channelStride, int[] groupStarts) =>
        (this.axes, ChannelStride, GroupStarts) = (axes, channelStride, groupStarts);

    /// <summary>Rows in each group.</summary>
    public int RowCount => axes.Aggregate(1, (product, axis) => product * axis.Size);

    /// <summary>Elements from an input channel to the next.</summary>
    public int ChannelStride { get; }

    /// <summary>Where the first row of each group begins. Shape: [groups].</summary>
    public int[] GroupStarts { get; }

    /// <summary>The geometry of a node.</summary>
    /// <param name="node">A product or a recurrent node.</param>
    /// <param name="layer">Its layer.</param>
    /// <param name="dims">Shape of the tensor that the weight is multiplied with. Shape: [dimensions].</param>
    public static ProductGeometry Of(NodeProto node, QuantizableLayer layer, int[] dims)
    {
        int slot = WeightUse.Slot(node, layer.Weight, layer.Shape.Count);
        if (WeightUse.IsRecurrent(node))
        {
            return slot == 1 ? OfInputs(layer, dims) : OfStates(node, dims);
        }
        bool isAcross = node.Is("Gemm") ? node.Integer("transA", 0) != 0 : slot == 0 && dims.Length > 1;
        int columns = isAcross ? dims[^2] : dims[^1], rows = isAcross ? dims[^1] : dims.Length > 1 ? dims[^2] : 1;
        var (outer, groupStarts) = Batches([.. layer.Shape.SkipLast(2)], [.. dims.SkipLast(2)], rows * columns);
        // [.., columns, rows]: neighbouring columns of a row lie a line apart.
        return isAcross
            ? new([.. outer, (rows, 1)], rows, groupStarts)
            : new([.. outer, (rows, columns)], 1, groupStarts);
    }

    /// <summary>Where a row begins in the first group.</summary>
    /// <param name="row">The row. Range: [0, RowCount).</param>
    public int Origin(int row)
    {
        int at = 0;
        for (int axis = axes.Length - 1; axis >= 0; axis--)
        {
            var (size, stride) = axes[axis];
            at += row % size * stride;
            row /= size;
        }
        return at;
    }

    /// <summary>
    /// Dimensions of a batch of matrices meet those of the other factor from the last on. Where both are there, a matrix has rows of its
    /// own; else all matrices have the same.
    /// </summary>
    private static ((int Size, int Stride)[] Outer, int[] GroupStarts) Batches(long[] matrices, int[] batches, int stride)
    {
        var outer = new List<(int Size, int Stride)>();
        int[] starts = [0];
        for (int i = 1; i <= Math.Max(matrices.Length, batches.Length); i++)
        {
            int many = i <= matrices.Length ? (int)matrices[^i] : 1, size = i <= batches.Length ? batches[^i] : 1;
            int own = size == 1 ? 0 : stride;
            // Earlier dimensions are the slower ones.
            starts = [.. Enumerable.Range(0, many).SelectMany(m => starts.Select(start => start + (many == 1 ? 0 : m * own)))];
            if (many == 1)
            {
                outer.Insert(0, (size, stride));
            }
            stride *= size;
        }
        return ([.. outer], starts);
    }

    /// <summary>Inputs [.., in] of a recurrent node: all directions read the same.</summary>
    private static ProductGeometry OfInputs(QuantizableLayer layer, int[] dims)
    {
        int columns = dims[^1];
        return new([(dims.SkipLast(1).Aggregate(1, (product, dim) => product * dim), columns)], 1, new int[layer.Matrices]);
    }

    /// <summary>
    /// Hidden states [steps, directions, sequences, hidden]: every step but the last one of a direction is multiplied in the next.
    /// The state before the first step is left out. ONNX Runtime has no kernels for another layout.
    /// </summary>
    private static ProductGeometry OfStates(NodeProto node, int[] dims)
    {
        var (steps, directions, sequences, hidden) = (dims[0], dims[1], dims[2], dims[3]);
        int direction = sequences * hidden, step = directions * direction;
        // Backwards, the last step is the first one in the tensor.
        int Start(int d) => (d * direction) + (d == 1 || node.Text("direction") == "reverse" ? step : 0);
        return new([(Math.Max(0, steps - 1), step), (sequences, hidden)], 1, [.. Enumerable.Range(0, directions).Select(Start)]);
    }
}
