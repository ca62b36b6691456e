using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>A way to put float weights on a grid.</summary>
internal interface IRounding
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>Whether the layers' inputs have to be measured.</summary>
    bool NeedsInputs { get; }

    /// <summary>Rounds a layer's weights to several widths. What the widths share is computed once.</summary>
    /// <param name="layer">The layer, which knows the axis of its channels.</param>
    /// <param name="weights">Float weights in the operator's order. Shape: [parameters]. Range: finite.</param>
    /// <param name="widths">Bits a weight. Shape: [widths]. Range: [2, 8].</param>
    /// <param name="inputs">Statistics of the layer's inputs; may be null where <see cref="NeedsInputs"/> is false.</param>
    /// <param name="threads">Threads; results do not depend on their number.</param>
    /// <returns>
    /// The rounded weights. Codes of 8 bits are such that no pair overflows (<see cref="KernelPairs"/>): integer kernels are exact
    /// on any processor. Shape: [widths].
    /// </returns>
    IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads);
}

/// <summary>A weight on a grid: each weight is its code times the scale of its channel.</summary>
/// <param name="Codes">The codes in the weight's own order. Shape: [parameters].</param>
/// <param name="Scales">The scales. Shape: [channels].</param>
internal sealed record RoundedWeights(sbyte[] Codes, float[] Scales);

/// <summary>The signed grid of a width.</summary>
internal static class Grid
{
    /// <summary>The lowest code: −2^(bits−1); −127 at 8 bits.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Lowest(int bits) => bits == 8 ? -127 : -(1 << (bits - 1));

    /// <summary>The highest code: 2^(bits−1) − 1.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Highest(int bits) => (1 << (bits - 1)) - 1;
}
