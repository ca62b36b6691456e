using Clado.Allocation;
using Clado.Evaluation;

namespace Clado.Curves;

/// <summary>What a network does on every image: two of them are compared image by image, where most of chance is common to both.</summary>
/// <param name="Losses">Loss increase over the float network. Shape: [images].</param>
/// <param name="Wrong">1 where the label has not the highest score, else 0; empty without labels. Shape: [images].</param>
/// <param name="Apart">
/// 1 where the class of the highest score is not the float network's, else 0; empty of no classifier. Shape: [images].
/// </param>
internal sealed record PointAnswers(double[] Losses, double[] Wrong, double[] Apart)
{
    // In front of the values of images: whether there are labels, and classes.
    private const int Head = 2;

    /// <summary>Of an evaluation; null where a loss is not finite, which no mean is taken of.</summary>
    public static PointAnswers? Of(EvaluationResult result) =>
        result.LossIncreases.Count > 0 && result.LossIncreases.All(double.IsFinite)
            ? new([.. result.LossIncreases], Misses(result.Right), Misses(result.Agreeing))
            : null;

    /// <summary>Numbers that a record has.</summary>
    /// <param name="images">Number of images.</param>
    public static int CountOf(int images) => Head + (2 * images);

    /// <summary>Of a record.</summary>
    /// <param name="values">Shape: [2 + 2 · images].</param>
    public static PointAnswers FromValues(double[] values)
    {
        int images = (values.Length - Head) / 2;
        // The bits of a number an image: 1 wrong, 2 apart.
        double[] Bit(int bit) => [.. values[(Head + images)..].Select(value => ((int)value & bit) == 0 ? 0.0 : 1)];
        return new(values[Head..(Head + images)], values[0] == 0 ? [] : Bit(1), values[1] == 0 ? [] : Bit(2));
    }

    /// <summary>As a record has it. Shape: [2 + 2 · images].</summary>
    public double[] ToValues() =>
    [
        Wrong.Length > 0 ? 1 : 0, Apart.Length > 0 ? 1 : 0, .. Losses,
        .. Losses.Select((_, image) => (Wrong.Length > 0 ? Wrong[image] : 0) + (Apart.Length > 0 ? 2 * Apart[image] : 0)),
    ];

    /// <summary>Mean loss with its standard error, as what is lost beside no loss at all.</summary>
    public double LossError => LossGain.Of(new double[Losses.Length], Losses).StandardError;

    /// <summary>What top-1 is above another's; null without labels.</summary>
    /// <param name="other">The other, on the same images.</param>
    public LossGain? Top1GainOver(PointAnswers other) => Gain(Wrong, other.Wrong);

    /// <summary>What this gains over another network.</summary>
    /// <param name="point">The other's point.</param>
    /// <param name="other">What it does on the same images.</param>
    public CurveDifference GainOver(CurvePoint point, PointAnswers other) =>
        new(point.Method, point.Budget, LossGain.Of(Losses, other.Losses))
        {
            Top1 = Top1GainOver(other),
            Agreement = Gain(Apart, other.Apart),
        };

    private static LossGain? Gain(double[] own, double[] other) =>
        own.Length > 0 && own.Length == other.Length ? LossGain.Of(own, other) : null;

    private static double[] Misses(IReadOnlyList<bool> hits) => [.. hits.Select(hit => hit ? 0.0 : 1)];
}
