using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Layers;
using Clado.Packing;
using Clado.Rounding;

namespace Clado.Tuning;

/// <summary>
/// A layer whose codes, scales and bias are tuned. Codes are kept as numbers between the points of the grid, in its steps; what runs has
/// them rounded, and gradients go straight through that (arXiv 1308.3432). A scale's gradient is the sum of its codes times the weights'
/// (LSQ, arXiv 1902.08153, eq. 3, for codes that do not move with the scale). Scales change by factors, so that none passes zero; those
/// that are written as codes of 8 bits stay.
/// </summary>
internal sealed class TunedLayer
{
    // How far from a code a number may begin: what is left of the float weight says which of its neighbours is closer.
    private const float LargestRest = 0.45f;

    // Steps of codes in steps of the grid, of scales as shares, of biases in the root mean square of the layer's.
    private const float CodeRate = 5e-4f;
    private const float ScaleRate = 1e-3f;
    private const float BiasRate = 1e-3f;

    // Biases of a layer that are all zero have no unit of their own.
    private const float SmallestUnit = 1e-3f;

    // Beyond half a step outside of the grid a number would not come back.
    private const float Margin = 0.49f;

    private readonly Candidate start;
    private readonly LayerState state;
    private readonly int[] channels;
    private readonly float biasUnit;
    private readonly bool isHalf;
    private readonly KernelPairs? pairs;
    private readonly LayerRows? rows;

    /// <summary>Begins, or goes on.</summary>
    /// <param name="start">The candidate to begin with.</param>
    /// <param name="state">Where it stands; changed by every step.</param>
    /// <param name="weights">The float weights. Shape: [parameters].</param>
    public TunedLayer(Candidate start, LayerState state, float[] weights)
    {
        (this.start, this.state, channels) = (start, state, Channels(start.Layer));
        isHalf = start.Bias is not null && HalfConstants.Hold(start.Bias);
        biasUnit = start.Bias is null ? 0 : UnitOf(start.Bias);
        pairs = KernelPairs.Of(start.Layer, start.Bits);
        rows = pairs is null ? null : new LayerRows(start.Layer, weights);
    }

    /// <summary>Its weight and bias, as far as they are tuned.</summary>
    public Candidate Start => start;

    /// <summary>Where a layer stands before the first step: at its codes, moved towards the float weights.</summary>
    /// <param name="start">The candidate to begin with.</param>
    /// <param name="weights">The float weights. Shape: [parameters].</param>
    public static LayerState Begin(Candidate start, float[] weights)
    {
        int[] channels = Channels(start.Layer);
        var codes = new float[weights.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            float rest = (weights[i] / start.Scales[channels[i]]) - start.Codes[i];
            codes[i] = start.Codes[i] + Math.Clamp(rest, -LargestRest, LargestRest);
        }
        return LayerState.Of(start.Layer, codes, start.Bias is not null);
    }

    /// <summary>The candidate as it is now.</summary>
    public Candidate Now()
    {
        float lowest = Grid.Lowest(start.Bits), highest = Grid.Highest(start.Bits);
        var codes = new sbyte[channels.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (sbyte)Math.Clamp(MathF.Round(state.Codes.Values[i]), lowest, highest);
        }
        if (pairs is not null)
        {
            rows!.Limit(pairs, codes);
        }
        return start with
        {
            Codes = codes,
            // A scale that has a code would move to the next one at once, and all weights of its channel with it.
            Scales = start.Layer.CodesScalesAt(start.Bits)
                ? start.Scales
                : [.. start.Scales.Zip(state.Scales.Values, (scale, log) => scale * MathF.Exp(log))],
            Bias = start.Bias is { } bias ? [.. bias.Zip(state.Bias.Values, (b, change) => Written(b + (change * biasUnit)))] : null,
        };
    }

    /// <summary>A bias in the precision of the one to begin with.</summary>
    private float Written(float bias) => isHalf ? HalfConstants.Rounded(bias) : bias;

    /// <summary>Takes a step.</summary>
    /// <param name="now">The candidate that the gradients are of.</param>
    /// <param name="weight">Gradient by the weight; overwritten. Shape: [parameters].</param>
    /// <param name="bias">Gradient by the bias; overwritten; empty where none is tuned. Shape: [channels] or [0].</param>
    /// <param name="number">Number of the step. Range: [1, inf).</param>
    /// <param name="rate">Share of the largest rate. Range: [0, 1].</param>
    public void Step(Candidate now, float[] weight, float[] bias, int number, float rate)
    {
        var scales = new double[now.Scales.Length];
        for (int i = 0; i < weight.Length; i++)
        {
            // By the code: a step of the grid is the scale. By the logarithm of the scale: the weight itself.
            weight[i] *= now.Scales[channels[i]];
            scales[channels[i]] += (double)weight[i] * now.Codes[i];
        }
        Move(state.Codes, weight, number, CodeRate * rate);
        TensorPrimitives.Max(state.Codes.Values, Grid.Lowest(start.Bits) - Margin, state.Codes.Values);
        TensorPrimitives.Min(state.Codes.Values, Grid.Highest(start.Bits) + Margin, state.Codes.Values);
        Move(state.Scales, Array.ConvertAll(scales, slope => (float)slope), number, ScaleRate * rate);
        Move(state.Bias, bias, number, BiasRate * rate);
    }

    /// <summary>Moves values by a step of the optimizer.</summary>
    /// <param name="values">What is moved.</param>
    /// <param name="gradient">Gradient by them; overwritten. Shape: [values].</param>
    /// <param name="number">Number of the step. Range: [1, inf).</param>
    /// <param name="rate">Length of a step.</param>
    public static void Move(TunedValues values, float[] gradient, int number, float rate)
    {
        new AdamOptimizer(values.Mean, values.Square).Step(gradient, number);
        TensorPrimitives.MultiplyAdd(gradient, -rate, values.Values, values.Values);
    }

    /// <summary>The channel of every weight. Shape: [parameters].</summary>
    public static int[] Channels(QuantizableLayer layer)
    {
        var channels = new int[layer.Parameters];
        for (int channel = 0; channel < layer.ChannelCount; channel++)
        {
            foreach (int position in layer.Positions(channel))
            {
                channels[position] = channel;
            }
        }
        return channels;
    }

    /// <summary>What biases of a layer are counted in: their root mean square.</summary>
    /// <param name="bias">The biases. Shape: [channels].</param>
    public static float UnitOf(float[] bias) => Math.Max(SmallestUnit, RootMeanSquare(bias));

    private static float RootMeanSquare(float[] values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }
        return (float)Math.Sqrt(sum / values.Length);
    }
}
