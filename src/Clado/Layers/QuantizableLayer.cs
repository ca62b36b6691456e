namespace Clado.Layers;

/// <summary>
/// A constant that can be quantized, with the nodes that use it: a weight, or a table that is looked up. Weights shared by several nodes
/// are one layer.
/// </summary>
public sealed record QuantizableLayer
{
    internal QuantizableLayer()
    {
    }

    /// <summary>Position among the layers, in the order of execution. Range: [0, layers).</summary>
    public required int Index { get; init; }

    /// <summary>
    /// Name of the first node that uses the weight (made unique where nodes share names). Of a recurrent node, which has two, ".W" or ".R"
    /// follows.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>Operator: Conv, ConvTranspose, Gemm, MatMul, LSTM, GRU, RNN or Gather.</summary>
    public required string Op { get; init; }

    /// <summary>Name of the weight's initializer.</summary>
    public required string Weight { get; init; }

    /// <summary>Indices of the nodes that read the weight. Shape: [uses].</summary>
    public required IReadOnlyList<int> Nodes { get; init; }

    /// <summary>
    /// Dimensions of the weight, as the operator has them: Conv [out, in/groups, kh, kw], ConvTranspose [in, out/groups, kh, kw],
    /// Gemm and MatMul [in, out] or [out, in], a batch of matrices with more dimensions in front, LSTM, GRU and RNN
    /// [directions, gates · hidden, in], Gather as it is. Shape: [rank].
    /// </summary>
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>
    /// The axis of the weight along which every channel has a scale of its own. null where the channels of its uses lie on different axes:
    /// one scale serves all of it then (docs/decisions/2026-11-27-shared-weights.md). Range: [0, rank).
    /// </summary>
    public required int? ChannelAxis { get; init; }

    /// <summary>
    /// Matrices of the weight, one after the other: every one has scales of its own along the axis of channels. 1 for a plain weight.
    /// </summary>
    internal int Matrices { get; init; } = 1;

    /// <summary>
    /// Whether the weight is multiplied with rows of inputs, which calibration looks at. A table is not, and a weight whose uses have their
    /// channels on different axes has no rows that are common to all: these are rounded to nearest.
    /// </summary>
    internal bool HasKnownInputs { get; init; } = true;

    /// <summary>Whether files have room for its scales as codes of 8 bits, which not every number has; else they are floats.</summary>
    internal bool HasCodedScales { get; init; }

    /// <summary>
    /// The narrowest width that holds the grid that its weights sit on already, whose scales are written as they are; null where they sit
    /// on none. Range: [2, 8].
    /// </summary>
    internal int? GridBits { get; init; }

    /// <summary>Whether scales of a candidate are written as codes.</summary>
    /// <param name="bits">Bits a weight, of the widest row. Range: [2, 8].</param>
    internal bool CodesScalesAt(int bits) => HasCodedScales && !(bits >= GridBits);

    /// <summary>Groups of a convolution; 1 elsewhere.</summary>
    public required long Groups { get; init; }

    /// <summary>
    /// Name of the initializer that is added to the outputs, one element a channel, and used by nothing else; null where there is none.
    /// </summary>
    internal string? Bias { get; init; }

    /// <summary>Multiply–accumulates an image, all uses together.</summary>
    public required long Macs { get; init; }

    /// <summary>Whether every output channel of a convolution has an input channel of its own.</summary>
    public bool IsDepthwise => Op == "Conv" && Groups > 1 && Groups == Shape[0] && Shape[1] == 1;

    /// <summary>Number of weights.</summary>
    public long Parameters => Shape.Aggregate(1L, (product, dim) => product * dim);

    /// <summary>Whether ONNX Runtime has integer kernels for its operator.</summary>
    internal bool HasIntegerKernel => Op == "Conv" || (Op is "Gemm" or "MatMul" && Shape.Count == 2);

    /// <summary>Number of scales: one a channel of every matrix.</summary>
    internal int ChannelCount => Matrices * ChannelsPerMatrix;

    /// <summary>Channels along their axis.</summary>
    internal int ChannelsPerMatrix => ChannelAxis is { } axis ? (int)Shape[axis] : 1;

    /// <summary>
    /// Elements between two neighbours along the channel axis: element e of a matrix belongs to its channel (e / stride) mod channels.
    /// </summary>
    internal int ChannelStride => (int)Shape.Skip(ChannelAxis + 1 ?? 0).Aggregate(1L, (product, dim) => product * dim);

    /// <summary>Dimensions of the scales in the file. Those of several matrices broadcast to the weight's. Shape: [dimensions].</summary>
    internal IReadOnlyList<long> ScaleShape => ChannelAxis is not { } axis ? []
        : Matrices == 1 ? [ChannelCount]
        : [.. Shape.Select((dim, i) => i < Shape.Count - 2 || i == axis ? dim : 1)];

    /// <summary>Where the weights of a channel lie. Channels are counted through all matrices.</summary>
    /// <param name="channel">The channel. Range: [0, channels).</param>
    /// <returns>Shape: [parameters / channels].</returns>
    internal int[] Positions(int channel)
    {
        var (stride, channels, parameters) = (ChannelStride, ChannelsPerMatrix, (int)Parameters);
        int first = (channel / channels * (parameters / Matrices)) + (channel % channels * stride);
        var positions = new int[parameters / (Matrices * channels)];
        for (int i = 0; i < positions.Length; i++)
        {
            positions[i] = first + (i / stride * channels * stride) + (i % stride);
        }
        return positions;
    }

    /// <summary>Bit operations an image: MACs × weight bits × activation bits (32 for floats).</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <param name="activationBits">Bits an activation: 8, or 32 for floats.</param>
    internal long BitOperations(int bits, int activationBits) => Macs * bits * activationBits;
}

/// <summary>An operator that could hold weights and stays as it is, or a constant of 256 bytes or more that stays float.</summary>
/// <param name="Name">Name of the node.</param>
/// <param name="Op">Operator.</param>
/// <param name="Reason">Why it is kept.</param>
public sealed record KeptOperation(string Name, string Op, string Reason)
{
    /// <summary>Name of the constant that stays float; null where the operator holds none worth naming.</summary>
    public string? Constant { get; init; }

    /// <summary>Bytes of that constant, 0 where there is none. Range: [0, inf).</summary>
    public long Bytes { get; init; }
}

/// <summary>What of a network is quantized, and what is not.</summary>
/// <param name="Layers">The layers in order of execution. Shape: [layers].</param>
/// <param name="Kept">The operators and constants that stay float, with the reason. Shape: [kept].</param>
internal sealed record LayerSet(IReadOnlyList<QuantizableLayer> Layers, IReadOnlyList<KeptOperation> Kept);
