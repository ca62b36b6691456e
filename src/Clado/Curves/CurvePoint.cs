using System.Text.Json;
using Clado.Allocation;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Curves;

/// <summary>
/// One network of the size–accuracy curve. As JSON it is an element of the array <see cref="Curve.Points"/>; properties that are null are
/// left out.
/// </summary>
public sealed record CurvePoint
{
    /// <summary>How its bits were chosen.</summary>
    public required CurveMethod Method { get; init; }

    /// <summary>The budget as it was given; of a uniform network its width, such as 4bit.</summary>
    public required string Budget { get; init; }

    /// <summary>
    /// Bytes the file may have; of a uniform network, those it has. null where the budget is not in bytes. Range: [0, inf).
    /// </summary>
    public long? BudgetBytes { get; init; }

    /// <summary>Bytes of the file. Range: [1, inf).</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Mean bits of the quantized weights. Range: [2, 8].</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>
    /// Loss increase over the float network that the surrogate predicts for the images it was measured on, in units of the run's loss.
    /// null where nothing is predicted.
    /// </summary>
    public double? PredictedLoss { get; init; }

    /// <summary>
    /// Loss increase over the float network on the evaluation images, in units of the run's loss; null where it is not finite.
    /// </summary>
    public double? MeasuredLoss { get; init; }

    /// <summary>Standard error of <see cref="MeasuredLoss"/> over the images; null where it is not known. Range: [0, inf).</summary>
    public double? MeasuredLossError { get; init; }

    /// <summary>Share of evaluation images whose label has the highest score; null without labels. Range: [0, 1].</summary>
    public double? Top1 { get; init; }

    /// <summary>
    /// What <see cref="Top1"/> is above the float network's, image by image, with its standard error; null where it is not known.
    /// </summary>
    public LossGain? Top1Gain { get; init; }

    /// <summary>
    /// Share of evaluation images on which the network and the float network give the same class the highest score;
    /// null where the network is no classifier. Range: [0, 1].
    /// </summary>
    public double? Agreement { get; init; }

    /// <summary>
    /// Where the network is no classifier, the measure of what it is for against the float network; null where it is one, and in folders of
    /// earlier versions.
    /// </summary>
    public MeasureKind? Measure { get; init; }

    /// <summary>The value of <see cref="Measure"/>; null where that is not defined.</summary>
    public double? MeasureValue { get; init; }

    /// <summary>
    /// By which share the predicted loss may lie above the least possible one; null for uniform networks. Range: [0, inf).
    /// </summary>
    public double? Gap { get; init; }

    /// <summary>
    /// Bits of each layer by the layer's name, in the order of execution; where its rows have widths of their own, the widest.
    /// Range: [1, 32].
    /// </summary>
    public required IReadOnlyDictionary<string, int> Allocation { get; init; }

    /// <summary>
    /// Rows (output channels) by their width, of layers whose rows have widths of their own; null where there are none.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<int, int>>? RowWidths { get; init; }

    /// <summary>
    /// What it gains over others of the curve, image by image; null where that is not known, and of points that Clado did not choose.
    /// Shape: [others].
    /// </summary>
    public IReadOnlyList<CurveDifference>? Gains { get; init; }

    /// <summary>
    /// Percentage points lost against the float network: of a classifier's top-1 where there are labels, else of its agreement; of other
    /// networks what <see cref="Measure"/> loses (<see cref="MeasureKinds.DropOf"/>).
    /// </summary>
    /// <param name="floatTop1">Top-1 of the float network on the same images, or null. Range: [0, 1].</param>
    /// <returns>null where nothing of it is known.</returns>
    public double? Drop(double? floatTop1) => Measure is { } measure ? measure.DropOf(MeasureValue)
        : Top1 is { } own && floatTop1 is { } whole ? 100 * (whole - own) : 100 * (1 - Agreement);

    /// <summary>Tells the networks of a run apart: points of one key have the same bits.</summary>
    internal string Key => string.Join(' ', Allocation.Select(layer => RowWidths?.GetValueOrDefault(layer.Key) is { } rows
        ? string.Join('+', rows.Select(own => Invariant($"{own.Key}:{own.Value}"))) : Invariant($"{layer.Value}")));

    /// <summary>This point, as long as there can be one like it.</summary>
    /// <exception cref="JsonException">A size, a width or a share is out of its range.</exception>
    internal CurvePoint Checked() => AreSizesInRange() && AreMeasuresInRange()
        ? this
        : throw new JsonException($"a point at {SizeBytes} bytes that no network can have");

    private bool AreSizesInRange() => SizeBytes >= 1 && BudgetBytes is null or >= 0 && BitsPerWeight is > 0 and <= 32
        && Allocation.Values.All(bits => bits is >= 1 and <= 32);

    private bool AreMeasuresInRange() => IsShare(Top1) && IsShare(Agreement)
        && new[] { PredictedLoss, MeasuredLoss, MeasureValue, Gap }.All(value => value is null || double.IsFinite(value.Value));

    private static bool IsShare(double? value) => value is null or (>= 0 and <= 1);
}
