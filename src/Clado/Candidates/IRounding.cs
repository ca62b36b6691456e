using Clado.Layers;

namespace Clado.Candidates;

/// <summary>A way to put float weights on a grid.</summary>
public interface IRounding
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>Rounds a layer's weights to a width.</summary>
    /// <param name="layer">The layer: says where the channels lie.</param>
    /// <param name="weights">Float weights in the operator's order. Shape: [parameters]. Range: finite.</param>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <returns>Codes, Shape: [parameters], and one scale a channel, Shape: [channels].</returns>
    (sbyte[] Codes, float[] Scales) Round(QuantizableLayer layer, ReadOnlyMemory<float> weights, int bits);
}

/// <summary>The signed grid of a width.</summary>
public static class Grid
{
    /// <summary>The lowest code: −2^(bits−1); −127 at 8 bits, which keeps products within 16-bit pairs on older CPUs.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Lowest(int bits) => bits == 8 ? -127 : -(1 << (bits - 1));

    /// <summary>The highest code: 2^(bits−1) − 1.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static int Highest(int bits) => (1 << (bits - 1)) - 1;
}
