using Clado.Candidates;
using Clado.Layers;

namespace Clado.Tuning;

/// <summary>Everything that steps change of a layer: what is tuned, and what the optimizer remembers of it.</summary>
/// <param name="Codes">The codes before they are rounded, in steps of the grid. Shape: [parameters].</param>
/// <param name="Scales">Logarithms of the scales over those at the beginning. Shape: [channels].</param>
/// <param name="Bias">The bias in its unit, over that at the beginning; empty where none is tuned. Shape: [channels] or [0].</param>
internal sealed record LayerState(TunedValues Codes, TunedValues Scales, TunedValues Bias)
{
    /// <summary>Before the first step: nothing has changed.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="codes">The codes before they are rounded. Shape: [parameters].</param>
    /// <param name="hasBias">Whether its bias is tuned.</param>
    public static LayerState Of(QuantizableLayer layer, float[] codes, bool hasBias) => new(
        TunedValues.Of(codes), TunedValues.Of(new float[layer.ChannelCount]), TunedValues.Of(new float[hasBias ? layer.ChannelCount : 0]));

    /// <summary>All of it. Shape: [9].</summary>
    public IReadOnlyList<float[]> Arrays => [.. Codes.Arrays, .. Scales.Arrays, .. Bias.Arrays];

    /// <summary>The same from its arrays.</summary>
    /// <param name="arrays">Shape: [9].</param>
    public static LayerState Of(IReadOnlyList<float[]> arrays)
    {
        TunedValues At(int first) => new(arrays[first], arrays[first + 1], arrays[first + 2]);
        return new LayerState(At(0), At(3), At(6));
    }
}

/// <summary>Values that are tuned, and the optimizer's memory.</summary>
/// <param name="Values">Shape: [parameters].</param>
/// <param name="Mean">Of the gradients. Shape: [parameters].</param>
/// <param name="Square">Of their squares. Shape: [parameters].</param>
internal sealed record TunedValues(float[] Values, float[] Mean, float[] Square)
{
    /// <summary>Before the first step.</summary>
    public static TunedValues Of(float[] values) => new(values, new float[values.Length], new float[values.Length]);

    /// <summary>All three. Shape: [3].</summary>
    public IReadOnlyList<float[]> Arrays => [Values, Mean, Square];
}

/// <summary>Where tuning stands after an epoch.</summary>
/// <param name="Epoch">Epochs done. Range: [0, inf).</param>
/// <param name="Layers">The layers that are tuned. Shape: [tuned layers].</param>
/// <param name="Best">The epoch of least loss so far, 0 for the beginning. Range: [0, Epoch].</param>
/// <param name="Chosen">The layers after it. Shape: [tuned layers].</param>
/// <param name="Losses">
/// Loss on each of the images held back, at the beginning and after the best epoch. Shape: [2][images].
/// </param>
internal sealed record TuningState(
    int Epoch, IReadOnlyList<LayerState> Layers, int Best, IReadOnlyList<Candidate> Chosen, IReadOnlyList<double[]> Losses);
