using Clado.Evaluation;

namespace Clado.Comparisons;

/// <summary>What a choice loses on the evaluation images.</summary>
/// <param name="SizeBytes">Bytes of the file.</param>
/// <param name="Losses">Loss increase over the float network of every image. Shape: [images].</param>
internal sealed record EvaluatedChoice(long SizeBytes, IReadOnlyList<double> Losses)
{
    // Numbers in front of the losses.
    private const int Head = 9;

    /// <summary>Top-1; null without labels.</summary>
    public double? Top1 { get; init; }

    /// <summary>Agreement with the float network; null of no classifier.</summary>
    public double? Agreement { get; init; }

    /// <summary>The task's measure; null of a classifier.</summary>
    public MeasureKind? Measure { get; init; }

    /// <summary>Its value, where it has one.</summary>
    public double? MeasureValue { get; init; }

    /// <summary>Mean of the losses.</summary>
    public double Loss => Losses.Average();

    /// <summary>Of an evaluation.</summary>
    public static EvaluatedChoice Of(EvaluationResult result) => new(result.SizeBytes, result.LossIncreases)
    {
        Top1 = result.Top1,
        Agreement = result.Agreement,
        Measure = result.Measures?.Measure,
        MeasureValue = result.Measures?.Value,
    };

    /// <summary>As a record has it. Shape: [9 + images].</summary>
    public double[] ToValues() =>
    [
        SizeBytes, .. Optional(Top1), .. Optional(Agreement), .. Optional((double?)(int?)Measure), .. Optional(MeasureValue), .. Losses,
    ];

    /// <summary>Numbers that a record has.</summary>
    /// <param name="images">Evaluation images.</param>
    public static int CountOf(int images) => Head + images;

    /// <summary>Of a record.</summary>
    /// <param name="values">Shape: [9 + images].</param>
    public static EvaluatedChoice FromValues(double[] values)
    {
        double? At(int position) => values[position] == 0 ? null : values[position + 1];
        return new((long)values[0], values[Head..])
        {
            Top1 = At(1),
            Agreement = At(3),
            Measure = (MeasureKind?)(int?)At(5),
            MeasureValue = At(7),
        };
    }

    /// <summary>Whether there is a number, and the number: no record holds NaN.</summary>
    private static double[] Optional(double? value) => value is { } number && double.IsFinite(number) ? [1, number] : [0, 0];
}
