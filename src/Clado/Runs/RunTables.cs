using System.Globalization;
using Clado.Candidates;
using Clado.Layers;
using Clado.Records;
using static System.FormattableString;

namespace Clado.Runs;

/// <summary>What a run folder has as tables, for people and for the report.</summary>
internal static class RunTables
{
    /// <summary>Names of the files.</summary>
    public const string LayersFile = "layers.csv", KeptFile = "kept.csv", CandidatesFile = "candidates.csv";

    /// <summary>The layers that are searched.</summary>
    public static string Layers(LayerSet layers) => Csv.Of(
        ["name", "op", "weight", "shape", "parameters", "macs", "groups"],
        layers.Layers.Select(layer => (string[])
        [
            layer.Name,
            layer.Op,
            layer.Weight,
            string.Join('x', layer.Shape.Select(d => Invariant($"{d}"))),
            $"{layer.Parameters}",
            $"{layer.Macs}",
            $"{layer.Groups}",
        ]));

    /// <summary>What stays float.</summary>
    public static string Kept(LayerSet layers) =>
        Csv.Of(["name", "op", "reason"], layers.Kept.Select(kept => (string[])[kept.Name, kept.Op, kept.Reason]));

    /// <summary>The candidates, in the order of the matrix.</summary>
    public static string Candidates(CandidateSet candidates) => Csv.Of(
        ["layer", "bits", "sizeBytes", "squaredError"],
        candidates.Items.Select(c => (string[])
        [
            c.Layer.Name, Widths(c), $"{c.SizeBytes}", c.SquaredError.ToString("R", CultureInfo.InvariantCulture),
        ]));

    /// <summary>A width; where rows have widths of their own, each with the number of its rows, as 2:10 3:6.</summary>
    private static string Widths(Candidate candidate) => candidate.RowBits is { } rows
        ? string.Join(' ', rows.CountBy(bits => bits).OrderBy(own => own.Key).Select(own => Invariant($"{own.Key}:{own.Value}")))
        : $"{candidate.Bits}";
}
