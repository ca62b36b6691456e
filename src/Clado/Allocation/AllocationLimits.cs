using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using Clado.Candidates;
using Clado.Layers;
using static System.FormattableString;

namespace Clado.Allocation;

/// <summary>What a choice of bits must keep besides its size: bit operations, a table of costs, layers that share a width.</summary>
public sealed record AllocationLimits
{
    // Up to 2^53 sums are exact as integers and as floating-point numbers.
    private const long MostCost = 1L << 53;

    // Enough to tell a user's few tables apart, short enough for the name of a file.
    private const int DigestBytes = 4;

    /// <summary>Bit operations an image at most, or null. Range: [1, inf).</summary>
    public long? BitOperations { get; init; }

    /// <summary>A table of costs, kept within <see cref="MaximumCost"/>, or null.</summary>
    public CostTable? Costs { get; init; }

    /// <summary>The most the layers' costs by <see cref="Costs"/> may add up to. Range: [0, 2^53].</summary>
    public long? MaximumCost { get; init; }

    /// <summary>
    /// Groups of layers that must get the same width, each a comma-separated list of names with * and ?. Shape: [groups].
    /// </summary>
    public IReadOnlyList<string> SameWidth { get; init => field = [.. value]; } = [];

    /// <summary>
    /// Which of the measured widths layers may get: <c>NAME=BITS</c> or <c>NAME=BITS,BITS</c>, NAME with * and ?; later ones win, and
    /// layers that none names are free. Shape: [pins].
    /// </summary>
    public IReadOnlyList<string> Pins { get; init => field = [.. value]; } = [];

    /// <summary>What the limits add to a budget's text.</summary>
    internal string Suffix =>
        (BitOperations is { } operations ? $"-{operations}bitops" : "")
        + (Costs is null ? "" : $"-{MaximumCost}cost{Digest(Costs.Lines)}")
        + (Pins.Count > 0 ? $"-pin{Digest([string.Join('\n', Pins)])}" : "")
        + (SameWidth.Count > 0 ? $"-same{Digest(SameWidth.Select(Sorted))}" : "");

    /// <summary>Tells tables and groupings apart in a name, whatever their order. Shape: 8 hexadecimal digits.</summary>
    private static string Digest(IEnumerable<string> lines)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Join('\n', lines.Order(StringComparer.Ordinal)));
        return Convert.ToHexStringLower(SHA256.HashData(text).AsSpan(0, DigestBytes));
    }

    private static string Sorted(string group) => string.Join(',', Names(group).Order(StringComparer.Ordinal));

    private static string[] Names(string group) => group.Split(',', StringSplitOptions.TrimEntries);

    /// <summary>Throws where a limit lies outside its range, or a table comes without its limit or the other way round.</summary>
    internal void Check()
    {
        if (BitOperations is <= 0)
        {
            throw new CladoException(Invariant($"{Settings.BitOperations} {BitOperations}: more than 0 are wanted"));
        }
        if (MaximumCost is < 0 or > MostCost)
        {
            throw new CladoException(Invariant($"{Settings.MaximumCost} {MaximumCost}: 0 to 2^53 are wanted"));
        }
        if (Costs is null != MaximumCost is null)
        {
            throw new CladoException(Costs is null
                ? $"{Settings.MaximumCost}: which costs? give them with {Settings.Costs}"
                : $"{Settings.Costs}: the most its costs may add up to is missing; give {Settings.MaximumCost}");
        }
    }

    /// <summary>The candidates that pins leave.</summary>
    /// <param name="candidates">All candidates.</param>
    /// <returns>Their rows. Shape: [rows].</returns>
    /// <exception cref="CladoException">A pin is malformed, fits no layer, or leaves one without a width that was measured.</exception>
    internal int[] Allowed(CandidateSet candidates)
    {
        var left = Layers.Pins.Left(candidates.Layers, Pins, Settings.ChosenPins);
        int[] rows = [.. candidates.Items.Index()
            .Where(own => left[candidates.LayerOf[own.Index]] is not { } widths
                || (own.Item.RowBits ?? [own.Item.Bits]).All(widths.Contains))
            .Select(own => own.Index)];
        var kept = rows.Select(row => candidates.LayerOf[row]).ToHashSet();
        int none = Enumerable.Range(0, left.Length).FirstOrDefault(layer => !kept.Contains(layer), -1);
        if (none < 0)
        {
            return rows;
        }
        var measured = candidates.Items.Where((_, row) => candidates.LayerOf[row] == none).Select(c => c.Bits).Distinct();
        throw new CladoException(
            $"{Settings.ChosenPins}: layer '{candidates.Layers[none].Name}' was measured at {string.Join(", ", measured)} bits, "
            + $"of which {string.Join(", ", left[none]!)} leaves none; give one of those");
    }

    /// <summary>Finds the layers of each group.</summary>
    /// <param name="layers">The layers that are searched. Shape: [layers].</param>
    /// <returns>Indices into the layers; each in one group at most. Shape: [groups][members].</returns>
    /// <exception cref="CladoException">A name fits no layer, or a layer is in two groups.</exception>
    public int[][] Groups(IReadOnlyList<QuantizableLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        int[][] groups = [.. SameWidth.Select(group => Names(group).SelectMany(name => Fitting(layers, group, name)).Distinct().ToArray())];
        return groups.SelectMany(group => group).GroupBy(layer => layer).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw new CladoException($"{Settings.SameWidth}: layer '{layers[twice.Key].Name}' is in two groups; make them one")
            : groups;
    }

    private static int[] Fitting(IReadOnlyList<QuantizableLayer> layers, string group, string name)
    {
        bool Fits(int layer) => FileSystemName.MatchesSimpleExpression(name, layers[layer].Name, ignoreCase: false);
        int[] fitting = [.. Enumerable.Range(0, layers.Count).Where(Fits)];
        return fitting.Length > 0
            ? fitting
            : throw new CladoException($"{Settings.SameWidth} {group}: no searched layer is called '{name}'; "
                + $"{Settings.Inspect} lists the names (the first is '{layers[0].Name}')");
    }
}
