using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>
/// The grid that the weights of a layer sit on already: every weight of a channel is an integer multiple of one step, up to the rounding of
/// single precision. Weights that were quantized before are such, however a file stores them (docs/method.md, "Rounding").
/// </summary>
/// <param name="Bits">Bits that tell the levels of a channel apart. Range: [1, 8].</param>
/// <param name="SignedBits">The narrowest width whose signed codes hold all; null where none does. Range: [2, 8].</param>
/// <param name="Codes">The codes in the weight's order; empty where no width holds them. Shape: [parameters].</param>
/// <param name="Scales">The steps. Shape: [channels].</param>
internal sealed record WeightGrid(int Bits, int? SignedBits, sbyte[] Codes, float[] Scales)
{
    // The largest code beside a zero point at the other end of 8 bits.
    private const int LargestCode = 255;

    // Of the largest code: what single precision loses where a step, a weight and a factor folded into it are rounded.
    private const double Tolerance = 1.0 / (1 << 20);

    // Below it a step is no normal number.
    private const float SmallestStep = 1.2e-38f;

    // A weight fits a grid of 255 levels by chance once in a thousand times or less: so many together do not.
    private const int LeastEvidence = 8;

    /// <summary>Finds it.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Its weights. Shape: [parameters]. Range: finite.</param>
    /// <returns>null where they sit on none of 8 bits.</returns>
    public static WeightGrid? Find(QuantizableLayer layer, ReadOnlySpan<float> weights)
    {
        ArgumentNullException.ThrowIfNull(layer);
        int channels = layer.ChannelCount, stride = layer.ChannelStride;
        var (codes, scales) = (new short[weights.Length], new float[channels]);
        var (lowest, highest) = (0, 0);
        int bits = 1, evidence = 0;
        var channel = new float[weights.Length / channels];
        var own = new int[channel.Length];
        for (int c = 0; c < channels; c++)
        {
            for (int i = 0; i < channel.Length; i++)
            {
                channel[i] = weights[Position(i, c)];
            }
            if (FindStep(channel, own) is not { } step || own.Max() - own.Min() > LargestCode)
            {
                return null;
            }
            scales[c] = step;
            evidence += Math.Max(0, own.Count(code => code != 0) - 1);
            lowest = Math.Min(lowest, own.Min());
            highest = Math.Max(highest, own.Max());
            bits = Math.Max(bits, BitsOf(own.Max() - own.Min()));
            for (int i = 0; i < channel.Length; i++)
            {
                codes[Position(i, c)] = (short)own[i];
            }
        }
        if (evidence < LeastEvidence)
        {
            return null;
        }
        int signed = 1 + Math.Max(BitsOf(highest), BitsOf(-lowest - 1));
        return signed > 8
            ? new WeightGrid(bits, null, [], scales)
            : new WeightGrid(bits, Math.Max(2, signed), Array.ConvertAll(codes, code => (sbyte)code), scales);

        int Position(int i, int c) => (((i / stride * channels) + c) * stride) + (i % stride);
    }

    /// <summary>Whether codes of a width hold all of it.</summary>
    /// <param name="bits">The width. Range: [2, 8].</param>
    public bool IsIn(int bits) => SignedBits <= bits;

    /// <summary>
    /// The weights on this grid, with no error. Channels with pairs of codes that may overflow are taken as they are rounded instead.
    /// </summary>
    /// <param name="rounded">The weights, rounded to a width that holds the grid.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="mayOverflow">
    /// Whether codes are taken as they are in any case: the model that they come from multiplies integers, and overflows where they do.
    /// </param>
    /// <returns>The weights, and whether all are on this grid.</returns>
    public (RoundedWeights Weights, bool IsWhole) Or(RoundedWeights rounded, QuantizableLayer layer, bool mayOverflow)
    {
        var pairs = mayOverflow || SignedBits < 8 ? null : KernelPairs.Of(layer, 8);
        var own = new RoundedWeights([.. Codes], [.. Scales]);
        if (pairs is null)
        {
            return (own, true);
        }
        if (layer.ChannelAxis is null)
        {
            return pairs.Limit([.. Codes]) ? (rounded, false) : (own, true);
        }
        var matrix = WeightMatrix.Of(layer);
        bool isWhole = true;
        for (int i = 0; i < matrix.Groups * matrix.Rows; i++)
        {
            var (group, row) = (i / matrix.Rows, i % matrix.Rows);
            int[] positions = [.. Enumerable.Range(0, matrix.Columns).Select(column => matrix.Position(group, row, column))];
            if (pairs.Limit([.. positions.Select(position => Codes[position])]))
            {
                isWhole = false;
                int channel = matrix.Channel(group, row);
                own.Scales[channel] = rounded.Scales[channel];
                Array.ForEach(positions, position => own.Codes[position] = rounded.Codes[position]);
            }
        }
        return (own, isWhole);
    }

    /// <summary>The largest step of which all weights are multiples, and the multiples; 1 where all are zero.</summary>
    private static float? FindStep(float[] weights, int[] codes)
    {
        double largest = weights.Max(w => Math.Abs((double)w));
        if (largest < SmallestStep * LargestCode)
        {
            Array.Clear(codes);
            return largest == 0 ? 1 : null;
        }
        for (int highest = 1; highest <= LargestCode; highest++)
        {
            double perUnit = highest / largest, tolerance = Tolerance * highest;
            if (Array.TrueForAll(weights, w => Math.Abs((w * perUnit) - Math.Round(w * perUnit)) <= tolerance))
            {
                for (int i = 0; i < codes.Length; i++)
                {
                    codes[i] = (int)Math.Round(weights[i] * perUnit);
                }
                return BestStep(weights, codes);
            }
        }
        return null;
    }

    /// <summary>The step that gives most weights to the last bit: the one of least squares, or a neighbour of it.</summary>
    private static float BestStep(float[] weights, int[] codes)
    {
        double products = 0, squares = 0;
        for (int i = 0; i < codes.Length; i++)
        {
            products += (double)codes[i] * weights[i];
            squares += (double)codes[i] * codes[i];
        }
        float middle = (float)(products / squares);
        float[] tried = [middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle)];
        return tried.MaxBy(step => codes.Index().Count(code => code.Item * step == weights[code.Index]));
    }

    /// <summary>Bits of a number; 0 for 0 and below.</summary>
    private static int BitsOf(int number) => number <= 0 ? 0 : 32 - int.LeadingZeroCount(number);
}
