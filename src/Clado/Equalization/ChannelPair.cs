using Clado.Layers;

namespace Clado.Equalization;

/// <summary>
/// A tensor whose channels may be divided by a factor each where they are made, and multiplied where they are read, without a change of the network's outputs: between
/// the two stand only operators with <c>f(s x) = s f(x)</c> for s &gt; 0.
/// </summary>
internal sealed record ChannelPair
{
    /// <summary>Name of the tensor that the consumers read.</summary>
    public required string Tensor { get; init; }

    /// <summary>Number of channels.</summary>
    public required int Channels { get; init; }

    /// <summary>The constants that make the channels: a weight, and a bias where there is one. Shape: [constants].</summary>
    public required IReadOnlyList<ChannelConstant> Producers { get; init; }

    /// <summary>The layers that read the tensor. Shape: [consumers].</summary>
    public required IReadOnlyList<QuantizableLayer> Consumers { get; init; }

    /// <summary>Index of a Clip(0, ceiling) between producer and consumers: its ceiling has to be divided too; null where there is none.</summary>
    public int? Clip { get; init; }
}

/// <summary>A constant with channels along one axis: element e belongs to channel (e / stride) mod channels.</summary>
/// <param name="Name">Name of the initializer.</param>
/// <param name="Stride">Elements between two neighbours along the axis. Range: [1, inf).</param>
internal sealed record ChannelConstant(string Name, int Stride);

/// <summary>What equalization did to one tensor: enough to do it again, to undo it, and to say what it gained.</summary>
/// <param name="Tensor">Name of the tensor.</param>
/// <param name="Consumers">Names of the layers that read it. Shape: [consumers].</param>
/// <param name="ErrorRatio">Output error of the consumers with these factors, over that without. Range: (0, 1).</param>
/// <param name="Factors">What a channel is divided by where it is made, and multiplied by where it is read. Shape: [channels].</param>
public sealed record ChannelScaling(string Tensor, IReadOnlyList<string> Consumers, double ErrorRatio, IReadOnlyList<float> Factors);
