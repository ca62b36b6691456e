using System.Globalization;
using Clado.Candidates;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado.Reports;

/// <summary>The layers of a run and their candidates, from its tables.</summary>
internal sealed class ReportNetwork
{
    private readonly RunFolder folder;
    private readonly ILookup<string, Row> byLayer;
    private readonly IReadOnlyList<string[]> layers;
    private readonly IReadOnlyList<string> shortNames;
    private readonly Dictionary<string, LayerProfile> profiles;

    /// <summary>Reads the tables.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="candidateCount">Rows of the run's matrix.</param>
    /// <exception cref="RunFolderException">They do not fit each other.</exception>
    public ReportNetwork(RunFolder folder, int candidateCount)
    {
        this.folder = folder;
        var table = folder.ReadTable(RunTables.CandidatesFile, 4);
        // Candidates whose rows have widths of their own have none that a map could be of.
        Row[] candidates = [.. table.Index().Where(row => !row.Item[1].Contains(':', StringComparison.Ordinal)).Select(row =>
            new Row(row.Item[0], (int)Number(row.Item[1]), Number(row.Item[2]), Real(row.Item[3]), row.Index))];
        layers = folder.ReadTable(RunTables.LayersFile, 7);
        Names = [.. layers.Select(cells => cells[0])];
        if (!(table.Count == candidateCount && Fit(Names, candidates)))
        {
            throw new RunFolderException(
                folder.FolderPath,
                "its layers.csv, candidates.csv and sensitivity.safetensors do not fit each other; remove the folder and measure again");
        }
        byLayer = candidates.ToLookup(candidate => candidate.Layer);
        Widths = [.. candidates.Select(candidate => candidate.Bits).Distinct().Order()];
        shortNames = LayerNames.Short(Names, [.. layers.Select(cells => cells[1])]);
        profiles = (folder.ReadProfiles() ?? []).DistinctBy(own => own.Layer).ToDictionary(own => own.Layer);
    }

    /// <summary>Names of the layers. Shape: [layers].</summary>
    public string[] Names { get; }

    /// <summary>Widths that were searched, ascending. Shape: [widths].</summary>
    public int[] Widths { get; }

    /// <summary>Row of each layer's candidate at each width. Shape: [widths][layers].</summary>
    public int[][] Rows => [.. Widths.Select(bits => Names.Select(name => Nearest(byLayer[name], bits).Index).ToArray())];

    /// <summary>The layers.</summary>
    /// <param name="matrix">What each loses alone.</param>
    public IReadOnlyList<ReportLayer> Layers(SensitivityMatrix matrix) =>
        [.. layers.Select((cells, i) => Layer(cells, shortNames[i], [.. byLayer[cells[0]]], matrix))];

    /// <summary>
    /// Stretches of the network: blocks, and layers between them that are none. Where folders of earlier versions do not say, the layers
    /// whose names begin alike.
    /// </summary>
    public IReadOnlyList<ReportBlock> Blocks()
    {
        string Block(string name, int layer) =>
            profiles.TryGetValue(name, out var own) ? $"{own.Block}" : Parent(shortNames[layer], layer);
        string[] numbers = [.. Names.Select(Block)];
        var (blocks, first) = (new List<(int First, int Last, bool IsBlock)>(), 0);
        for (int last = 0; last < numbers.Length; last++)
        {
            if (last + 1 < numbers.Length && numbers[last + 1] == numbers[first])
            {
                continue;
            }
            bool isBlock = last > first;
            if (!isBlock && blocks is [.., { IsBlock: false } before] && profiles.Count > 0)
            {
                blocks[^1] = before with { Last = last };
            }
            else
            {
                blocks.Add((first, last, isBlock));
            }
            first = last + 1;
        }
        return [.. blocks.Select(own => new ReportBlock(
            LayerNames.Together([.. shortNames.Skip(own.First).Take(own.Last - own.First + 1)]), own.First, own.Last))];
    }

    /// <summary>What a path of a name stands below; the layer by itself where it is none.</summary>
    private static string Parent(string name, int layer) =>
        name.LastIndexOf('/') is > 0 and var end ? name[..end] : $"layer {layer}";

    private ReportLayer Layer(string[] cells, string shortName, Row[] candidates, SensitivityMatrix matrix)
    {
        long parameters = Number(cells[4]);
        var profile = profiles.GetValueOrDefault(cells[0]);
        double power = parameters * (profile?.MeanSquare ?? 0);
        return new(
            cells[0], shortName, cells[1], [.. cells[3].Split('x').Select(Number)], parameters, Number(cells[5]),
            candidates.ToDictionary(candidate => candidate.Bits, candidate => candidate.SizeBytes),
            candidates.ToDictionary(candidate => candidate.Bits, candidate => HeatMap.Rounded(matrix.LossIncrease(candidate.Index))))
        {
            Errors = power > 0 ? candidates.ToDictionary(
                candidate => candidate.Bits, candidate => HeatMap.Rounded(Math.Sqrt(candidate.SquaredError / power))) : [],
            Grids = profile?.Widths ?? [],
        };
    }

    /// <summary>Whether tables and matrix are of one run: every layer once, with candidates; every candidate once, with a row.</summary>
    private static bool Fit(string[] layers, Row[] candidates) =>
        layers.Length > 0
        && layers.Distinct().Count() == layers.Length
        && layers.All(candidates.Select(candidate => candidate.Layer).ToHashSet().Contains)
        && candidates.All(candidate => candidate.Bits is >= 2 and <= 8)
        && candidates.DistinctBy(candidate => (candidate.Layer, candidate.Bits)).Count() == candidates.Length;

    /// <summary>
    /// A layer that does not have a width (a pin) stands in the map of that width with the nearest it has, as in a uniform network.
    /// </summary>
    private static Row Nearest(IEnumerable<Row> candidates, int bits) =>
        candidates.OrderBy(candidate => Math.Abs(candidate.Bits - bits)).ThenByDescending(candidate => candidate.Bits).First();

    /// <summary>A number of a table, which must be a whole one.</summary>
    private long Number(string cell) =>
        long.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw NoNumber(cell);

    private double Real(string cell) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw NoNumber(cell);

    private RunFolderException NoNumber(string cell) => new(
        folder.FolderPath, $"its tables have '{cell}' where a number is wanted; remove the folder and measure again");

    /// <summary>A row of candidates.csv.</summary>
    private sealed record Row(string Layer, int Bits, long SizeBytes, double SquaredError, int Index);
}
