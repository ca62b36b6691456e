using System.Text.Json;
using Clado.Activations;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Curves;
using Clado.Equalization;
using Clado.Layers;
using Clado.Losses;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Runs;

/// <summary>The products that are kept in a run folder.</summary>
internal static class Products
{
    /// <summary>How channels were scaled.</summary>
    public static Product<IReadOnlyList<ChannelScaling>> Scalings { get; } =
        Product<IReadOnlyList<ChannelScaling>>.Json("equalization.json", "list of scalings", JsonText.Compact, Checked);

    /// <summary>The units of the outputs.</summary>
    public static Product<IReadOnlyList<OutputScale>> Scales { get; } =
        Product<IReadOnlyList<OutputScale>>.Json("scales.json", "list of scales", JsonText.Compact, Checked);

    /// <summary>The matrix.</summary>
    public static Product<SensitivityMatrix> Sensitivity { get; } = new(
        "sensitivity.safetensors",
        "sensitivity matrix",
        (matrix, stream) => SensitivityFile.Of(matrix).Write(stream),
        SensitivityFile.Read);

    /// <summary>What rows cost.</summary>
    /// <param name="candidates">The candidates of the run.</param>
    public static Product<ChannelSensitivities> Rows(CandidateSet candidates) => new(
        "rows.safetensors",
        "list of rows' sensitivities of this run",
        (rows, stream) => RowFile.Of(rows, candidates).Write(stream),
        stream => RowFile.Read(stream, candidates));

    /// <summary>Widths of rows inside layers. Shape: [layers][mixtures][channels].</summary>
    /// <param name="candidates">The candidates of one width each.</param>
    public static Product<IReadOnlyList<IReadOnlyList<int[]>>> Mixtures(CandidateSet candidates) => new(
        "mixed.safetensors",
        "list of widths of this run's rows",
        (mixtures, stream) => MixtureFile.Of(mixtures, candidates).Write(stream),
        stream => MixtureFile.Read(stream, candidates));

    /// <summary>The grids that activations are rounded to while measuring.</summary>
    /// <param name="count">Grids that the network has; null where they are written only.</param>
    public static Product<ActivationRanges> Ranges(int? count = null) => Product<ActivationRanges>.Json(
        "ranges.json", "list of grids", JsonText.Compact, ranges => Checked(ranges, count));

    /// <summary>The candidates of a network.</summary>
    /// <param name="layers">Its layers. Shape: [layers].</param>
    /// <param name="widths">Widths of each layer. Shape: [layers][widths].</param>
    public static Product<CandidateSet> Candidates(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths) => new(
        "candidates.safetensors",
        "set of candidates of this run",
        (candidates, stream) => CandidateFile.Of(candidates).Write(stream),
        stream => CandidateFile.Read(stream, layers, widths));

    /// <summary>How weights lie on the grids of their widths.</summary>
    public static Product<IReadOnlyList<LayerProfile>> Profiles { get; } = Product<IReadOnlyList<LayerProfile>>.Json(
        "weights.json", "list of layers' weights", JsonText.Compact, Checked);

    /// <summary>A curve.</summary>
    /// <param name="file">Name of the file.</param>
    public static Product<Curve> Curve(string file) => Product<Curve>.Json(file, "curve", Curves.Curve.Json, Checked);

    /// <summary>A comparison of metrics.</summary>
    /// <param name="file">Name of the file.</param>
    public static Product<Comparison> Comparison(string file) =>
        Product<Comparison>.Json(file, "comparison", JsonText.Indented, comparison => comparison.Checked());

    private static IReadOnlyList<ChannelScaling> Checked(IReadOnlyList<ChannelScaling> scalings) =>
        scalings.All(scaling => scaling is not null && scaling.Consumers.All(c => c is not null) && scaling.Factors.All(IsAboveZero))
            && scalings.DistinctBy(scaling => scaling.Tensor).Count() == scalings.Count
            ? scalings
            : throw new JsonException("a scaling that is none, twice of one tensor, or with a factor that is not above 0");

    private static IReadOnlyList<OutputScale> Checked(IReadOnlyList<OutputScale> scales) =>
        scales.All(scale => scale is not null && scale.IsConsistent)
            ? scales
            : throw new JsonException("a scale that does not fit its output, or with a variance that is not above 0");

    private static IReadOnlyList<LayerProfile> Checked(IReadOnlyList<LayerProfile> profiles) =>
        profiles.All(own => own is { Layer: not null, Widths: not null, Block: >= 0 } && double.IsFinite(own.MeanSquare)
            && own.Widths.All(width => width is { IsSound: true }))
            ? profiles
            : throw new JsonException("a layer without a name, or counts that no weights have");

    private static ActivationRanges Checked(ActivationRanges ranges, int? count) =>
        ranges.Scales.Count == count && ranges.ZeroPoints.Count == count && ranges.Scales.All(IsAboveZero)
            ? ranges
            : throw new JsonException($"not {count} grids with scales above 0");

    private static Curve Checked(Curve curve) => curve.Images < 1 || curve.Points.Any(point => point is null)
        ? throw new JsonException("no images, or a point that is none")
        : curve with { Points = [.. curve.Points.Select(point => point.Checked())] };

    private static bool IsAboveZero(float value) => float.IsFinite(value) && value > 0;
}
