using System.Numerics.Tensors;
using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>
/// Pairs of neighbouring weights whose products ONNX Runtime's integer kernels add, and the limit of 8-bit codes at which no sum overflows.
/// </summary>
/// <remarks>
/// On processors without VNNI, the kernels multiply unsigned activations with signed weights.
/// They add two neighbouring products in 16 saturating bits.
/// 255 · (v + w) fits where <c>|v + w| ≤ 128</c>, which codes of up to 7 bits always keep.
/// Neighbours are input channels at the same kernel element, and the last channel with the first one at the next element.
/// The kernels add every second pair. The limit holds for all, so that it does not matter where they begin.
/// Where the uses of a weight have their channels on different axes, any two weights may be neighbours: each keeps half of the limit.
/// </remarks>
internal sealed class KernelPairs
{
    private const int LargestSum = 128;

    private readonly int[]? order;

    private KernelPairs(int[]? order) => this.order = order;

    /// <summary>The pairs of a layer's rows.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <returns>
    /// null where nothing can overflow: codes below 8 bits, depthwise kernels, which widen every product, and operators without an
    /// integer kernel.
    /// </returns>
    public static KernelPairs? Of(QuantizableLayer layer, int bits) =>
        bits < 8 ? null
        : layer.ChannelAxis is null ? new(null)
        : layer.IsDepthwise || !layer.HasIntegerKernel ? null
        : new(KernelOrder(WeightMatrix.Of(layer)));

    /// <summary>
    /// The smallest scale at which no pair of a row overflows. Rounding to nearest then needs no <see cref="Limit"/>, except for rounding
    /// errors of single precision.
    /// </summary>
    /// <param name="row">Weights. Shape: [columns].</param>
    public float LeastScale(ReadOnlySpan<float> row)
    {
        if (order is null)
        {
            return 2 * Math.Abs(TensorPrimitives.MaxMagnitude(row)) / LargestSum;
        }
        float largest = 0;
        for (int i = 1; i < order.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(row[order[i - 1]] + row[order[i]]));
        }
        return largest / LargestSum;
    }

    /// <summary>Where a pair overflows, reduces the larger code of the two.</summary>
    /// <param name="row">Codes, changed in place. Shape: [columns].</param>
    /// <returns>Whether any was changed.</returns>
    public bool Limit(Span<sbyte> row) => order is null ? LimitEach(row) : LimitPairs(row, order);

    /// <summary>Columns as the kernels read them: all input channels at a kernel element, then those at the next.</summary>
    private static int[] KernelOrder(WeightMatrix matrix) =>
        [.. Enumerable.Range(0, matrix.Columns).Select(i => (i % matrix.InputChannels * matrix.Taps) + (i / matrix.InputChannels))];

    private static bool LimitEach(Span<sbyte> row)
    {
        bool changed = false;
        foreach (ref sbyte code in row)
        {
            var within = Math.Clamp(code, (sbyte)(-LargestSum / 2), (sbyte)(LargestSum / 2));
            changed |= within != code;
            code = within;
        }
        return changed;
    }

    private static bool LimitPairs(Span<sbyte> row, int[] order)
    {
        bool changed = false;
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
