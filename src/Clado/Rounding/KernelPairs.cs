using System.Numerics.Tensors;
using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>
/// The weights that ONNX Runtime's integer kernels add in pairs, and what 8-bit codes keep so that no pair overflows. On processors without VNNI the kernels multiply
/// unsigned activations with signed weights and add two neighbouring products in 16 saturating bits: 255 · (v + w) fits where <c>|v + w| ≤ 128</c>. Codes of up to 7 bits always do.
/// Neighbours are input channels at the same kernel element, and the last channel with the first one at the next element; every second pair is added, and all are kept.
/// Of a weight whose uses have their channels on different axes, any two may be neighbours: each keeps half.
/// </summary>
internal sealed class KernelPairs
{
    private const int LargestSum = 128;

    private readonly int[]? order;

    private KernelPairs(WeightMatrix? matrix) =>
        order = matrix is null ? null : [.. Enumerable.Range(0, matrix.Columns).Select(i => (i % matrix.InputChannels * matrix.Taps) + (i / matrix.InputChannels))];

    /// <summary>The pairs of a layer's rows; null where nothing can overflow: narrower codes, depthwise kernels, which widen every product, and operators without an integer kernel.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static KernelPairs? Of(QuantizableLayer layer, int bits) =>
        bits < 8 ? null
        : layer.ChannelAxis is null ? new(null)
        : layer.IsDepthwise || layer.Op == "ConvTranspose" ? null
        : new(WeightMatrix.Of(layer));

    /// <summary>The smallest scale at which the pairs of a row fit: rounding to nearest then needs no <see cref="Limit"/>, but for what floats lose.</summary>
    /// <param name="row">Weights. Shape: [columns].</param>
    public float LeastScale(ReadOnlySpan<float> row)
    {
        float largest = 0;
        if (order is null)
        {
            return 2 * Math.Abs(TensorPrimitives.MaxMagnitude(row)) / LargestSum;
        }
        for (int i = 1; i < order.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(row[order[i - 1]] + row[order[i]]));
        }
        return largest / LargestSum;
    }

    /// <summary>Brings pairs that overflow back, the larger code of each.</summary>
    /// <param name="row">Codes; changed where they have to be. Shape: [columns].</param>
    /// <returns>Whether any was changed.</returns>
    public bool Limit(Span<sbyte> row)
    {
        bool changed = false;
        if (order is null)
        {
            foreach (ref sbyte code in row)
            {
                var within = Math.Clamp(code, (sbyte)(-LargestSum / 2), (sbyte)(LargestSum / 2));
                changed |= within != code;
                code = within;
            }
            return changed;
        }
        for (int i = 1; i < order.Length; i++)
        {
            ref sbyte first = ref row[order[i - 1]], second = ref row[order[i]];
            int excess = Math.Abs(first + second) - LargestSum;
            if (excess > 0)
            {
                ref sbyte larger = ref Math.Abs((int)first) > Math.Abs((int)second) ? ref first : ref second;
                larger = (sbyte)(larger - (Math.Sign(larger) * excess));
                changed = true;
            }
        }
        return changed;
    }
}
