using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>A way to put float weights on a grid.</summary>
public interface IRounding
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>Whether the layers' inputs have to be measured.</summary>
    bool NeedsInputs { get; }

    /// <summary>Rounds a layer's weights to several widths; what the widths share is computed once.</summary>
    /// <param name="layer">The layer: says where the channels lie.</param>
    /// <param name="weights">Float weights in the operator's order. Shape: [parameters]. Range: finite.</param>
    /// <param name="widths">Bits a weight. Shape: [widths]. Range: [2, 8].</param>
    /// <param name="inputs">What the layer's inputs are like; null where that is not needed.</param>
    /// <param name="threads">Threads to use; results do not depend on it.</param>
    /// <returns>Codes of 8 bits keep their <see cref="KernelPairs"/>, so that integer kernels are exact on any processor. Shape: [widths].</returns>
    IReadOnlyList<RoundedWeights> Round(QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads);
}

/// <summary>A weight on a grid.</summary>
/// <param name="Codes">In the weight's order. Shape: [parameters].</param>
/// <param name="Scales">One a channel. Shape: [channels].</param>
public sealed record RoundedWeights(sbyte[] Codes, float[] Scales);

/// <summary>The signed grid of a width.</summary>
public static class Grid
{
    /// <summary>The lowest code: −2^(bits−1); −127 at 8 bits.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Lowest(int bits) => bits == 8 ? -127 : -(1 << (bits - 1));

    /// <summary>The highest code: 2^(bits−1) − 1.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Highest(int bits) => (1 << (bits - 1)) - 1;
}
