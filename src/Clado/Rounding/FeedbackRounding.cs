using System.Numerics.Tensors;
using Clado.Calibration;
using Clado.Layers;
using Clado.Numerics;

namespace Clado.Rounding;

/// <summary>
/// Error feedback on calibration inputs (<see cref="ErrorFeedback"/>). A channel's scale is the one of least output error around the scale of least weight error,
/// refined in turn with the codes (docs/method.md, "Rounding").
/// </summary>
public sealed class FeedbackRounding : IRounding
{
    /// <summary>Added to the Gram matrix's diagonal, as a share of its mean.</summary>
    public const double Damping = 0.01;

    // Multiples of the scale of least weight error: at 2 bits the scale of least output error is often half as large again.
    private const int RatioCount = 16;
    private const float LowestRatio = 0.75f;
    private const float RatioGrowth = 1.07f;

    // How far weights go towards those that make good what earlier layers lost. All the way they fit the images that show the loss: on others, half of it is worth more.
    private const float CorrectionShare = 0.5f;

    private const int Refinements = 3;
    private const int Descents = 3;

    /// <inheritdoc/>
    public string Name => "feedback";

    /// <inheritdoc/>
    public bool NeedsInputs => true;

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var nearest = new NearestRounding().Round(layer, weights, widths, null, threads);
        var (feedback, damping) = (new ErrorFeedback[inputs.Gram.Count], new double[inputs.Gram.Count]);
        for (int group = 0; group < feedback.Length; group++)
        {
            (feedback[group], damping[group]) = Factor(inputs.Gram[group], inputs.Columns, threads);
        }
        var rows = new LayerRows(layer, weights.Span);
        if (inputs.Cross is { } cross)
        {
            rows = rows.Select((group, values) =>
            {
                var target = feedback[group].Target(inputs.Gram[group], cross[group], values);
                TensorPrimitives.Lerp(values, target, CorrectionShare, target);
                return target;
            }, threads);
        }
        var error = new OutputError(rows, inputs, damping, threads);
        return [.. widths.Zip(nearest, (bits, start) =>
        {
            var pairs = KernelPairs.Of(layer, bits);
            var rounded = Round(rows, feedback, error, bits, start, LeastScales(rows, pairs), threads);
            for (int i = 0; i < Descents; i++)
            {
                CoordinateDescent.Improve(rows, inputs, damping, bits, rounded, threads);
                if (pairs is not null && i == Descents - 1)
                {
                    rows.Limit(pairs, rounded.Codes);
                }
                rounded = rounded with { Scales = error.BestScales(rounded.Codes, rounded.Scales) };
            }
            KeepNearestWhereBetter(rows, error, rounded, start);
            return rounded;
        })];
    }

    /// <summary>
    /// Factorises with damping. Inputs that are all zero say nothing, and any diagonal matrix rounds to nearest; around the mean of inputs that never change there
    /// is nothing but rounding noise, which takes more damping.
    /// </summary>
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

    /// <summary>Scales that the codes of each channel need at least. Shape: [channels].</summary>
    private static float[] LeastScales(LayerRows rows, KernelPairs? pairs)
    {
        var least = new float[rows.ChannelCount];
        if (pairs is not null)
        {
            rows.ForEachRow((group, row) => least[rows.Channel(group, row)] = pairs.LeastScale(rows[group, row]));
        }
        return least;
    }

    private static RoundedWeights Round(
        LayerRows rows, ErrorFeedback[] feedback, OutputError error, int bits, RoundedWeights nearest, float[] least, int threads)
    {
        var scales = SearchScales(rows, feedback, bits, nearest.Scales, least, threads);
        var (codes, errors) = Codes(rows, feedback, bits, scales, threads);
        for (int i = 0; i < Refinements; i++)
        {
            var refined = error.BestScales(codes, scales);
            var (newCodes, newErrors) = Codes(rows, feedback, bits, refined, threads);
            // Kept channel by channel where the output error went down.
            for (int c = 0; c < scales.Length; c++)
            {
                if (newErrors[c] < errors[c])
                {
                    (scales[c], errors[c]) = (refined[c], newErrors[c]);
                    rows.CopyChannel(newCodes, codes, c);
                }
            }
        }
        scales = error.BestScales(codes, scales);
        return new RoundedWeights(codes, scales);
    }

    /// <summary>Feedback is greedy: a channel that nearest rounding serves better on the very same inputs takes that.</summary>
    private static void KeepNearestWhereBetter(LayerRows rows, OutputError error, RoundedWeights rounded, RoundedWeights nearest)
    {
        var (own, other) = (error.Of(rounded), error.Of(nearest));
        for (int c = 0; c < own.Length; c++)
        {
            if (other[c] < own[c])
            {
                rounded.Scales[c] = nearest.Scales[c];
                rows.CopyChannel(nearest.Codes, rounded.Codes, c);
            }
        }
    }

    /// <summary>The scale of least output error of each channel, among multiples of a first guess that are not too small.</summary>
    private static float[] SearchScales(LayerRows rows, ErrorFeedback[] feedback, int bits, float[] guess, float[] least, int threads)
    {
        var errors = new double[guess.Length * RatioCount];
        var perRow = new float[rows.Count][];
        int rowsAtOnce = Lanes.Count / RatioCount;
        rows.ForEachBlock(rowsAtOnce, threads, (group, first, count) =>
        {
            var lanes = new float[count * RatioCount][];
            var scales = new float[lanes.Length];
            for (int lane = 0; lane < lanes.Length; lane++)
            {
                int row = first + (lane / RatioCount);
                lanes[lane] = rows[group, row];
                scales[lane] = Scale(rows.Channel(group, row), lane % RatioCount);
            }
            var losses = feedback[group].Round(lanes, scales, bits, []);
            for (int i = 0; i < count; i++)
            {
                perRow[rows.Index(group, first + i)] = losses[(i * RatioCount)..((i + 1) * RatioCount)];
            }
        });
        rows.ForEachRow((group, row) =>
        {
            for (int i = 0; i < RatioCount; i++)
            {
                errors[(rows.Channel(group, row) * RatioCount) + i] += perRow[rows.Index(group, row)][i];
            }
        });
        return [.. guess.Select((_, c) =>
        {
            var own = errors.AsSpan(c * RatioCount, RatioCount);
            return Scale(c, TensorPrimitives.IndexOfMin<double>(own));
        })];
        float Scale(int channel, int index) => Math.Max(guess[channel] * Ratio(index), least[channel]);
    }

    private static float Ratio(int index) => LowestRatio * MathF.Pow(RatioGrowth, index);

    private static (sbyte[] Codes, double[] Errors) Codes(LayerRows rows, ErrorFeedback[] feedback, int bits, float[] scales, int threads)
    {
        var codes = new sbyte[rows.Count * rows.Columns];
        var perRow = new float[rows.Count];
        rows.ForEachBlock(Lanes.Count, threads, (group, first, count) =>
        {
            var lanes = Enumerable.Range(first, count).Select(row => rows[group, row]).ToArray();
            var steps = Enumerable.Range(first, count).Select(row => scales[rows.Channel(group, row)]).ToArray();
            var block = new sbyte[count * rows.Columns];
            feedback[group].Round(lanes, steps, bits, block).CopyTo(perRow, rows.Index(group, first));
            for (int i = 0; i < count; i++)
            {
                rows.Scatter(block.AsSpan(i * rows.Columns, rows.Columns), group, first + i, codes);
            }
        });
        var errors = new double[scales.Length];
        rows.ForEachRow((group, row) => errors[rows.Channel(group, row)] += perRow[rows.Index(group, row)]);
        return (codes, errors);
    }
}
