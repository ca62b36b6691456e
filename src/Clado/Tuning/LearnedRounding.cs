using System.Numerics.Tensors;
using Clado.Candidates;
using Clado.Packing;
using Clado.Rounding;

namespace Clado.Tuning;

/// <summary>
/// A layer whose codes are learned, each between two neighbouring points of the grid: a weight is <c>s (n + h)</c>, h a rectified sigmoid
/// from 0 to 1 (AdaRound, arXiv 2004.10568, eq. 23). A growing force drives h to either end. It is apart from the gradient, as decoupled
/// decay of weights is (arXiv 1711.05101), so that the ends are reached whatever the gradient's size; the paper adds a penalty to the loss.
/// Scales and biases are learned beside, as <see cref="TunedLayer"/> has them.
/// </summary>
internal sealed class LearnedRounding
{
    // The sigmoid goes from −0.1 to 1.1, so that the ends of h are reached where it has a slope (eq. 23: ζ = 1.1, γ = −0.1).
    private const float Stretch = 1.2f;
    private const float Below = -0.1f;

    // How far from its code a number begins on the way to the float weight: what was rounded is the beginning, with an open mind.
    private const float LargestRest = 0.2f;

    // How near to an end h begins at least.
    private const float LeastShare = 0.02f;

    // Steps of the sigmoid's argument, of scales as shares, of biases in the root mean square of the layer's.
    private const float ShareRate = 0.03f;
    private const float ScaleRate = 1e-3f;
    private const float BiasRate = 1e-3f;

    private readonly Candidate start;
    private readonly sbyte[] floor;
    private readonly int[] channels;
    private readonly TunedValues arguments, scales, bias;
    private readonly float[] sigmoid, shares;
    private readonly float biasUnit;
    private readonly bool isHalf;
    private bool isDecided;

    /// <summary>Begins with what is rounded, moved towards the float weights.</summary>
    /// <param name="start">The candidate to begin with.</param>
    /// <param name="weights">The float weights. Shape: [parameters].</param>
    public LearnedRounding(Candidate start, float[] weights)
    {
        (this.start, channels) = (start, TunedLayer.Channels(start.Layer));
        (floor, sigmoid, shares) = (new sbyte[weights.Length], new float[weights.Length], new float[weights.Length]);
        arguments = TunedValues.Of(new float[weights.Length]);
        scales = TunedValues.Of(new float[start.Scales.Length]);
        bias = TunedValues.Of(new float[start.Bias?.Length ?? 0]);
        (biasUnit, isHalf) = start.Bias is { } own ? (TunedLayer.UnitOf(own), HalfConstants.Hold(own)) : (0, false);
        int lowest = Grid.Lowest(start.Bits), highest = Grid.Highest(start.Bits);
        for (int i = 0; i < weights.Length; i++)
        {
            float rest = (weights[i] / start.Scales[channels[i]]) - start.Codes[i];
            float at = start.Codes[i] + Math.Clamp(rest, -LargestRest, LargestRest);
            floor[i] = (sbyte)Math.Clamp(MathF.Floor(at), lowest, highest - 1);
            float share = (Math.Clamp(at - floor[i], LeastShare, 1 - LeastShare) - Below) / Stretch;
            arguments.Values[i] = MathF.Log(share / (1 - share));
        }
    }

    /// <summary>The candidate that it began with.</summary>
    public Candidate Start => start;

    /// <summary>The weights as they are now, between the points of the grid. Shape: [parameters].</summary>
    public float[] Weights()
    {
        TensorPrimitives.Sigmoid(arguments.Values, sigmoid);
        TensorPrimitives.Multiply(sigmoid, Stretch, shares);
        TensorPrimitives.Add(shares, Below, shares);
        TensorPrimitives.Max(shares, 0, shares);
        TensorPrimitives.Min(shares, 1, shares);
        if (isDecided)
        {
            TensorPrimitives.Round(shares, shares);
        }
        float[] steps = Scales();
        var weights = new float[floor.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (floor[i] + shares[i]) * steps[channels[i]];
        }
        return weights;
    }

    /// <summary>The biases as they are now; null where none is learned. Shape: [channels].</summary>
    public float[]? Biases() => start.Bias is not { } own ? null : [.. own.Zip(bias.Values, (b, change) => b + (change * biasUnit))];

    /// <summary>The candidate of the points that are nearest now.</summary>
    public Candidate Rounded()
    {
        Weights();
        var codes = new sbyte[floor.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (sbyte)(floor[i] + MathF.Round(shares[i]));
        }
        if (KernelPairs.Of(start.Layer, start.Bits) is { } pairs)
        {
            new LayerRows(start.Layer, new float[codes.Length]).Limit(pairs, codes);
        }
        return start with
        {
            Codes = codes,
            Scales = Scales(),
            Bias = isHalf ? [.. Biases()!.Select(HalfConstants.Rounded)] : Biases(),
        };
    }

    /// <summary>Takes a step down from the weights that were asked for last.</summary>
    /// <param name="weight">Gradient by the weight; overwritten. Shape: [parameters].</param>
    /// <param name="ownBias">Gradient by the bias; overwritten; empty where none is learned. Shape: [channels] or [0].</param>
    /// <param name="step">The step.</param>
    public void Step(float[] weight, float[] ownBias, LearningStep step)
    {
        if (isDecided)
        {
            StepOfScales(weight, step);
        }
        else
        {
            StepOfShares(weight, step);
        }
        TunedLayer.Move(bias, ownBias, step.Number, BiasRate * step.Rate);
    }

    /// <summary>Codes stay as they are from now on: scales follow, which would follow what is between the points before.</summary>
    public void Decide() => isDecided = true;

    private void StepOfShares(float[] weight, LearningStep step)
    {
        float[] steps = Scales();
        for (int i = 0; i < weight.Length; i++)
        {
            weight[i] *= steps[channels[i]] * (shares[i] is > 0 and < 1 ? Stretch * sigmoid[i] * (1 - sigmoid[i]) : 0);
        }
        new AdamOptimizer(arguments.Mean, arguments.Square).Step(weight, step.Number);
        // From the middle to the ends: (2h − 1) times the force.
        TensorPrimitives.Multiply(shares, 2 * step.Force, shares);
        TensorPrimitives.Subtract(shares, step.Force, shares);
        TensorPrimitives.Subtract(weight, shares, weight);
        TensorPrimitives.MultiplyAdd(weight, -ShareRate * step.Rate, arguments.Values, arguments.Values);
    }

    private void StepOfScales(float[] weight, LearningStep step)
    {
        float[] steps = Scales();
        var slopes = new double[steps.Length];
        for (int i = 0; i < weight.Length; i++)
        {
            slopes[channels[i]] += (double)weight[i] * steps[channels[i]] * (floor[i] + shares[i]);
        }
        TunedLayer.Move(scales, Array.ConvertAll(slopes, slope => (float)slope), step.Number - step.Decided, ScaleRate * step.Rate);
    }

    // A scale that has a code would move to the next one at once, and all weights of its channel with it.
    private float[] Scales() => start.Layer.CodesScalesAt(start.Bits)
        ? start.Scales : [.. start.Scales.Zip(scales.Values, (scale, log) => scale * MathF.Exp(log))];
}

/// <summary>A step of learning.</summary>
/// <param name="Number">Its number. Range: [1, inf).</param>
/// <param name="Rate">Share of the largest rate. Range: [0, 1].</param>
/// <param name="Decided">Steps before codes were decided. Range: [0, inf).</param>
/// <param name="Force">How strongly shares are driven to their ends, in steps of the optimizer. Range: [0, inf).</param>
internal readonly record struct LearningStep(int Number, int Decided, float Rate, float Force);
