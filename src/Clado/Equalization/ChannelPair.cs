using Clado.Layers;

namespace Clado.Equalization;

/// <summary>
/// A tensor whose channels may be scaled: divided by a factor where they are computed, and multiplied by it where they are read.
/// The network's outputs do not change, because only operators with <c>f(s x) = s f(x)</c> for s &gt; 0 lie between the two.
/// </summary>
internal sealed record ChannelPair
{
    /// <summary>Name of the tensor that the consumers read.</summary>
    public required string Tensor { get; init; }

    /// <summary>Number of channels.</summary>
    public required int Channels { get; init; }

    /// <summary>The constants that the channels are computed with: a weight, and a bias where there is one. Shape: [constants].</summary>
    public required IReadOnlyList<ChannelConstant> Producers { get; init; }

    /// <summary>The layers that read the tensor. Shape: [consumers].</summary>
    public required IReadOnlyList<QuantizableLayer> Consumers { get; init; }

    /// <summary>
    /// Index of the node Clip(0, ceiling) between producer and consumers, whose ceiling has to be divided, too; null where there is none.
    /// </summary>
    public int? Clip { get; init; }
}

/// <summary>A constant with channels along one axis: element e is of channel (e / stride) mod channels.</summary>
/// <param name="Name">Name of the initializer.</param>
/// <param name="Stride">Elements between two neighbours along the axis. Range: [1, inf).</param>
internal sealed record ChannelConstant(string Name, int Stride);
