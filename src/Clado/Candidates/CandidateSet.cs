using Clado.Layers;

namespace Clado.Candidates;

/// <summary>
/// All candidates of a network, layer by layer, widths ascending, those whose rows have widths of their own last: the order of the rows of
/// a sensitivity matrix.
/// </summary>
internal sealed record CandidateSet
{
    /// <param name="layers">The layers that are searched. Shape: [layers].</param>
    /// <param name="items">The candidates. Shape: [candidates].</param>
    internal CandidateSet(IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<Candidate> items)
    {
        (Layers, Items) = (layers, items);
        var position = layers.Select((layer, i) => (layer.Name, i)).ToDictionary(p => p.Name, p => p.i);
        LayerOf = [.. items.Select(c => position[c.Layer.Name])];
    }

    /// <summary>The layers that are searched. Shape: [layers].</summary>
    public IReadOnlyList<QuantizableLayer> Layers { get; }

    /// <summary>The candidates. Shape: [candidates].</summary>
    public IReadOnlyList<Candidate> Items { get; }

    /// <summary>Position of each candidate's layer among <see cref="Layers"/>. Shape: [candidates].</summary>
    internal int[] LayerOf { get; }

    /// <summary>All layers at one width; a layer that does not have it (a pin) takes the nearest it has, the wider of two.</summary>
    /// <param name="bits">The width. Range: [2, 8].</param>
    /// <returns>One candidate a layer. Shape: [layers].</returns>
    internal IReadOnlyList<Candidate> Uniform(int bits) =>
        [.. Items.Where(c => c.IsWhole).GroupBy(c => c.Layer.Index).Select(layer => layer.MinBy(c => (Math.Abs(c.Bits - bits), -c.Bits))!)];

    /// <summary>Rows of chosen candidates of this set.</summary>
    /// <param name="chosen">One a layer. Shape: [layers].</param>
    internal int[] RowsOf(IReadOnlyList<Candidate> chosen) =>
        [.. chosen.Select(c => Enumerable.Range(0, Items.Count).First(row => ReferenceEquals(Items[row], c)))];
}
