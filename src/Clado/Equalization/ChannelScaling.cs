namespace Clado.Equalization;

/// <summary>How equalization scaled the channels of one tensor. The network's outputs are unchanged by it, but for rounding.</summary>
/// <param name="Tensor">Name of the tensor.</param>
/// <param name="Consumers">Names of the layers that read it. Shape: [consumers].</param>
/// <param name="ErrorRatio">Output error of the consumers with these factors, as a share of that without. Range: (0, 1).</param>
/// <param name="Factors">
/// What a channel is divided by where it is computed, and multiplied by where it is read. Range: (0, inf). Shape: [channels].
/// </param>
public sealed record ChannelScaling(string Tensor, IReadOnlyList<string> Consumers, double ErrorRatio, IReadOnlyList<float> Factors);
