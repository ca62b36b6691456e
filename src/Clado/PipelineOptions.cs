using Clado.Activations;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx.Upgrade;
using Clado.Rounding;
using Clado.Runs;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado;

/// <summary>What a run measures, and how.</summary>
public sealed record PipelineOptions
{
    /// <summary>Path of the FP32 <c>.onnx</c> file.</summary>
    public required string Model { get; init; }

    /// <summary>Which input is the image, and values of the others.</summary>
    public InputOptions Inputs { get; init; } = new();

    /// <summary>Folder of the images sensitivities are measured on.</summary>
    public required string Images { get; init; }

    /// <summary>How images become inputs.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.Parse("imagenet");

    /// <summary>Images used where nothing is said.</summary>
    public static int DefaultLimit => ImageSet.DefaultLimit;

    /// <summary>
    /// Images used at most, drawn by <see cref="Seed"/> and their names; null for all of the folder. Range: [1, inf). Time and records grow
    /// with their number.
    /// </summary>
    public int? Limit
    {
        get;
        init => field = ImageSet.CheckedLimit(value);
    } = DefaultLimit;

    /// <summary>Seed of the choice of images.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// What is added to the images' class indices: 1 where the model counts a background first and the images do not. Not 0 where the
    /// images have no classes is an error.
    /// </summary>
    public int LabelOffset { get; init; }

    /// <summary>Widths searched where nothing is said (docs/decisions/2026-11-27-widths.md). Shape: [widths].</summary>
    public static IReadOnlyList<int> DefaultBits { get; } = [2, 3, 4, 6, 8];

    /// <summary>Widths searched, ascending. Shape: [widths]. Range: [2, 8].</summary>
    public IReadOnlyList<int> Bits
    {
        get;
        init => field = value.Count > 0 && value.All(b => b is >= 2 and <= 8)
            ? [.. value.Distinct().Order()]
            : throw new CladoException(
                $"{Settings.Bits} {string.Join(',', value.Select(bits => Invariant($"{bits}")))}: "
                + "widths from 2 to 8 are understood, such as 2,3,4,8");
    } = DefaultBits;

    /// <summary>
    /// Layers kept at a width or as floats: <c>NAME=BITS|float</c>, names with <c>*</c> and <c>?</c>; later ones win. Shape: [pins].
    /// </summary>
    public IReadOnlyList<string> Pins { get; init => field = [.. value]; } = [];

    /// <summary>Whether channels between consecutive layers are scaled first, where that lowers the error of rounding.</summary>
    public bool Equalize { get; init; }

    /// <summary>
    /// Names of the ways to put weights on the grid: error feedback on the images (feedback), greedily along the path (gpfq), to the
    /// nearest point (nearest), the same with steps for normally distributed weights (gaussian). Shape: [methods].
    /// </summary>
    public static IReadOnlyList<string> Roundings => RoundingMethods.Names;

    /// <summary>How weights are put on the grid, one of <see cref="Roundings"/>.</summary>
    public string Rounding
    {
        get;
        init => field = Roundings.Contains(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"'{value}' is none of {string.Join(", ", Roundings)}");
    } = RoundingMethods.Names[0];

    /// <summary>Whether a rounding on images sees inputs after layers that are rounded already, instead of the float network's.</summary>
    public bool QuantizedInputs { get; init; }

    /// <summary>Whether one layer is rounded after the other.</summary>
    internal bool RoundsSequentially => QuantizedInputs && RoundingMethods.Named(Rounding).NeedsInputs;

    /// <summary>What becomes of activations in the written file; what is measured does not depend on it.</summary>
    public ActivationOptions Activations { get; init; } = new();

    /// <summary>
    /// Whether grids that the model rounds its activations to are removed, so that <see cref="Activations"/> says what becomes of them.
    /// Weights that were on a grid stay on it.
    /// </summary>
    public bool Requantize { get; init; }

    /// <summary>What activations are while sensitivities are measured: floats, or rounded to grids found on the float network.</summary>
    public ActivationFormat MeasuredActivations { get; init; } = ActivationFormat.Float;

    /// <summary>Opsets that files are written for: the usual one, and that for older runtimes. Shape: [2].</summary>
    public static IReadOnlyList<int> Opsets { get; } = [OpsetUpgrade.TargetOpset, OpsetUpgrade.EarlierOpset];

    /// <summary>Opset of the written file, one of <see cref="Opsets"/>; what is measured does not depend on it.</summary>
    public int Opset
    {
        get;
        init => field = value is OpsetUpgrade.TargetOpset or OpsetUpgrade.EarlierOpset
            ? value
            : throw new CladoException(
                Invariant($"{Settings.Opset} {value}: {OpsetUpgrade.TargetOpset} or {OpsetUpgrade.EarlierOpset} are wanted"));
    } = OpsetUpgrade.TargetOpset;

    /// <summary>
    /// Whether tensors and nodes of the written file are called as in the model. Else those inside have short names, and nodes none: the
    /// file is smaller. What is measured does not depend on it.
    /// </summary>
    public bool KeepNames { get; init; }

    /// <summary>Names of the ways to find cross-layer sensitivities, the default first. Shape: [estimators].</summary>
    public static IReadOnlyList<string> Estimators => SensitivityOptions.Estimators;

    /// <summary>What each of <see cref="Estimators"/> does, in a few words. Shape: [estimators].</summary>
    public static IReadOnlyList<string> EstimatorDescriptions => SensitivityOptions.EstimatorDescriptions;

    /// <summary>Names of the losses. Shape: [losses].</summary>
    public static IReadOnlyList<string> Losses => SensitivityOptions.Losses;

    /// <summary>One of <see cref="Estimators"/>. With auto every fourth image is held back, to judge choices with.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public string Estimator { get => Sensitivity.Estimator; init => Sensitivity = Sensitivity with { Estimator = value }; }

    /// <summary>One of <see cref="Losses"/>; null for kl of scores of classes, cosine of embeddings, and mse elsewhere.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public string? Loss { get => Sensitivity.Loss; init => Sensitivity = Sensitivity with { Loss = value }; }

    /// <summary>
    /// Names of what has a width of its own, the default first: every layer, or rows (output channels) inside layers. Shape: [2].
    /// </summary>
    public static IReadOnlyList<string> Granularities { get; } = ["layer", RunDescription.Row];

    /// <summary>
    /// What has a width of its own, one of <see cref="Granularities"/>. Rows need an estimator that takes gradients, fisher or auto.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public string Granularity
    {
        get;
        init => field = Granularities.Contains(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"'{value}' is none of {string.Join(", ", Granularities)}");
    } = "layer";

    /// <summary>Whether rows may have widths of their own.</summary>
    internal bool MixesRows => Granularity == RunDescription.Row;

    /// <summary>Whether rows are measured with their layers. Where rows are mixed, they were measured before that.</summary>
    internal bool MeasuresRows => Rows && !MixesRows;

    /// <summary>
    /// Whether the sensitivities of rows (output channels) are measured and kept too. It needs an estimator that takes gradients, fisher
    /// or auto.
    /// </summary>
    public bool Rows { get; init; }

    /// <summary>
    /// What the network is for; null to decide by its structure, and where that leaves it open, by its answers on the images.
    /// </summary>
    public NetworkTask? Task { get; init; }

    /// <summary>Estimator and loss.</summary>
    internal SensitivityOptions Sensitivity { get; init; } = new();

    /// <summary>Threads and memory.</summary>
    public Resources Resources { get; init; } = new();

    /// <summary>
    /// Where networks run while losses are measured. Candidates and the written file are made on the processor whatever it is. A run
    /// folder belongs to one of them.
    /// </summary>
    public Provider Provider { get; init; } = Provider.Auto;

    /// <summary>The run folder; null for one below <c>clado-runs</c> named by model and options, so that a rerun finds it.</summary>
    public string? Run { get; init; }
}
