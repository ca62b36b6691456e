using System.Numerics.Tensors;
using Clado.Calibration;
using Clado.Layers;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Rounds weights for least output error on calibration inputs: OPTQ/GPTQ (arXiv 2210.17323) in its error-feedback form
/// (<see cref="ErrorFeedback"/>), followed by coordinate descent (<see cref="CoordinateDescent"/>).
/// The scale of a channel is searched for least output error around the one of least weight error.
/// Scale and codes are then refined one after the other (docs/method.md, "Rounding").
/// </summary>
internal sealed class FeedbackRounding : IRounding
{
    /// <summary>What is added to the Gram matrix's diagonal, as a share of its mean.</summary>
    public const double Damping = 0.01;

    // Multiples of the scale of least weight error. At 2 bits the scale of least output error is often half as large again.
    private const int RatioCount = 16;
    private const float LowestRatio = 0.75f;
    private const float RatioGrowth = 1.07f;

    // How far weights move towards those that correct the errors of earlier layers.
    // Weights that move all the way fit the calibration images. On other images, half of the way gives less error.
    private const float CorrectionShare = 0.5f;

    // Up to this width a step of the grid is so long that codes follow when a scale moves to one that the layer can have. Wider ones are
    // found with such scales from the beginning.
    private const int FreeBits = 2;

    private const int Refinements = 3;
    private const int Descents = 3;

    /// <inheritdoc/>
    public string Name => "feedback";

    /// <inheritdoc/>
    public bool NeedsInputs => true;

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        var nearest = new NearestRounding().Round(layer, weights, widths, null, threads);
        var (factors, damping) = Factors(inputs!, threads);
        var rows = Corrected(new LayerRows(layer, weights.Span), factors, inputs!, threads);
        var (feedback, products) = (new LayerFeedback(rows, factors, threads), new GramProducts(rows, inputs!, damping, threads));
        return [.. widths.Zip(nearest, (bits, start) =>
        {
            var pairs = KernelPairs.Of(layer, bits);
            var errors = new LayerErrors(products, Greedy(feedback, products, bits, start.Scales, LeastScales(rows, pairs)));
            errors.Rescale(isFinal: bits > FreeBits);
            for (int i = 0; i < Descents; i++)
            {
                errors.Descend(bits);
                if (pairs is not null && i == Descents - 1)
                {
                    errors.Limit(pairs);
                }
                // Scale and codes are found together among all scales; the last codes are for one that the layer can have.
                errors.Rescale(isFinal: bits > FreeBits || i >= Descents - 2);
            }
            return OrNearestWhereBetter(rows, errors, new LayerErrors(products, start));
        })];
    }

    private static (ErrorFeedback[] Factors, double[] Damping) Factors(InputStatistics inputs, int threads)
    {
        var (factors, damping) = (new ErrorFeedback[inputs.Gram.Count], new double[inputs.Gram.Count]);
        for (int group = 0; group < factors.Length; group++)
        {
            (factors[group], damping[group]) = Factor(inputs.Gram[group], inputs.Columns, threads);
        }
        return (factors, damping);
    }

    /// <summary>Factorises the Gram matrix of a group, with the least damping at which that works.</summary>
    /// <remarks>
    /// Inputs that are all zero say nothing, and any diagonal matrix rounds to nearest.
    /// Around the mean of inputs that never change there is nothing but rounding noise, which needs more damping.
    /// </remarks>
    private static (ErrorFeedback Feedback, double Damping) Factor(float[] gram, int columns, int threads)
    {
        double mean = Enumerable.Range(0, columns).Average(i => Math.Abs((double)gram[i * (columns + 1)]));
        for (double damping = mean > 0 ? Damping * mean : 1; double.IsFinite(damping); damping *= 10)
        {
            if (ErrorFeedback.Of(gram, columns, damping, threads) is { } feedback)
            {
                return (feedback, damping);
            }
        }
        throw new ArgumentException("The inputs' products are not finite.", nameof(gram));
    }

    /// <summary>The weights to round: moved towards those that correct the errors of earlier layers, where these are known.</summary>
    private static LayerRows Corrected(LayerRows rows, ErrorFeedback[] factors, InputStatistics inputs, int threads) =>
        inputs.Cross is not { } cross ? rows : rows.Select((group, values) =>
        {
            var target = factors[group].Target(inputs.Gram[group], cross[group], values);
            TensorPrimitives.Lerp(values, target, CorrectionShare, target);
            return target;
        }, threads);

    /// <summary>The smallest scale of each channel at which 8-bit codes do not overflow; 0 for narrower ones. Shape: [channels].</summary>
    private static float[] LeastScales(LayerRows rows, KernelPairs? pairs)
    {
        var least = new float[rows.ChannelCount];
        if (pairs is not null)
        {
            rows.ForEachRow((group, row) => least[rows.Channel(group, row)] = pairs.LeastScale(rows[group, row]));
        }
        return least;
    }

    /// <summary>Error feedback with the scales of least output error, refined one after the other.</summary>
    private static RoundedWeights Greedy(LayerFeedback feedback, GramProducts products, int bits, float[] nearest, float[] least)
    {
        var layer = feedback.Rows.Layer;
        float Possible(float scale, float lowest) => bits <= FreeBits ? scale
            : layer.NearestScale(scale) is var near && near >= lowest ? near : layer.ScaleFrom(lowest);
        float[] scales = feedback.BestScales(bits, [.. nearest.Zip(least, (scale, lowest) =>
            Array.ConvertAll(TriedScales(scale, lowest), tried => Possible(tried, lowest)))]);
        var (codes, errors) = feedback.Codes(bits, scales);
        for (int i = 0; i < Refinements; i++)
        {
            float[] refined = [.. products.BestScales(codes, scales, errors).Select(scale => Possible(scale, 0))];
            var (newCodes, newErrors) = feedback.Codes(bits, refined);
            var (before, after) = (feedback.Rows.SumByChannel(errors), feedback.Rows.SumByChannel(newErrors));
            // Kept channel by channel where the output error fell.
            feedback.Rows.ForEachRow((group, row) =>
            {
                int index = feedback.Rows.Index(group, row), channel = feedback.Rows.Channel(group, row);
                if (after[channel] < before[channel])
                {
                    (scales[channel], errors[index], codes[index]) = (refined[channel], newErrors[index], newCodes[index]);
                }
            });
        }
        return feedback.Rows.Rounded(codes, scales);
    }

    /// <summary>Multiples of a scale, none below the lowest that is allowed. Shape: [16].</summary>
    private static float[] TriedScales(float scale, float lowest) =>
        [.. Enumerable.Range(0, RatioCount).Select(i => Math.Max(scale * (LowestRatio * MathF.Pow(RatioGrowth, i)), lowest))];

    /// <summary>Error feedback is greedy: a channel with less error on the same inputs when it is rounded to nearest is.</summary>
    private static RoundedWeights OrNearestWhereBetter(LayerRows rows, LayerErrors rounded, LayerErrors nearest)
    {
        var (best, other) = (rounded.Rounded, nearest.Rounded);
        foreach (var (c, (own, others)) in rounded.OutputErrors().Zip(nearest.OutputErrors()).Index())
        {
            if (others < own)
            {
                best.Scales[c] = other.Scales[c];
                rows.CopyChannel(other.Codes, best.Codes, c);
            }
        }
        return best;
    }
}
