using Clado.Candidates;

namespace Clado.Allocation;

/// <summary>Layers that share a width, and the layers that stand alone: which widths each group has left.</summary>
internal sealed class WidthGroups
{
    private readonly CandidateSet candidates;
    private readonly int[] allowed;
    private readonly int[][] groups;

    /// <summary>Checks the groups.</summary>
    /// <param name="candidates">All candidates.</param>
    /// <param name="shared">Layers of each group. Shape: [groups][members].</param>
    /// <param name="allowed">Those that may be chosen; null for all. Shape: [rows].</param>
    /// <exception cref="CladoException">The layers of a group have no width in common.</exception>
    public WidthGroups(CandidateSet candidates, int[][] shared, int[]? allowed = null)
    {
        (this.candidates, Shared) = (candidates, shared);
        this.allowed = allowed ?? [.. Enumerable.Range(0, candidates.Items.Count)];
        int[] grouped = [.. shared.SelectMany(group => group)];
        groups = [.. shared, .. Enumerable.Range(0, candidates.Layers.Count).Except(grouped).Select(layer => new[] { layer })];
        int[] all = [.. candidates.Items.Select(c => c.Bits).Distinct()];
        if (groups.FirstOrDefault(group => !Widths(group, all).Any()) is { } apart)
        {
            string names = string.Join(", ", apart.Select(layer => $"'{candidates.Layers[layer].Name}'"));
            throw new CladoException($"{Settings.SameWidth}: {names} have no width in common; look at their pins");
        }
    }

    /// <summary>The groups of several layers. Shape: [groups][members].</summary>
    public IReadOnlyList<int[]> Shared { get; }

    /// <summary>Whether these widths leave every group one.</summary>
    /// <param name="widths">Widths allowed. Shape: [widths].</param>
    public bool Allow(IReadOnlyCollection<int> widths) => groups.All(group => Widths(group, widths).Any());

    /// <summary>
    /// The candidates left: of widths that all members of their group have. Of layers that share a width, none whose rows have several.
    /// Shape: [rows].
    /// </summary>
    /// <param name="widths">Widths allowed. Shape: [widths].</param>
    public int[] Rows(IReadOnlyCollection<int> widths)
    {
        var left = groups.SelectMany(group => Widths(group, widths).SelectMany(bits => group.Select(layer => (layer, bits)))).ToHashSet();
        bool IsLeft(Candidate candidate, int layer) => candidate.RowBits is { } rows
            ? !Shared.Any(group => group.Contains(layer)) && rows.All(widths.Contains)
            : left.Contains((layer, candidate.Bits));
        return [.. allowed.Where(row => IsLeft(candidates.Items[row], candidates.LayerOf[row]))];
    }

    /// <summary>The least a choice can add up to.</summary>
    /// <param name="widths">Widths allowed; every group has one. Shape: [widths].</param>
    /// <param name="value">What a candidate adds.</param>
    public long Least(IReadOnlyCollection<int> widths, Func<Candidate, long> value)
    {
        var rows = Rows(widths);
        return groups.Sum(group => rows.Where(row => group.Contains(candidates.LayerOf[row]) && candidates.Items[row].IsWhole)
            .GroupBy(row => candidates.Items[row].Bits).Min(same => same.Sum(row => value(candidates.Items[row]))));
    }

    private IEnumerable<int> Widths(int[] group, IReadOnlyCollection<int> widths) =>
        widths.Where(bits => group.All(layer => Has(layer, bits)));

    private bool Has(int layer, int bits) =>
        allowed.Any(row => candidates.LayerOf[row] == layer && candidates.Items[row].Bits == bits);
}
