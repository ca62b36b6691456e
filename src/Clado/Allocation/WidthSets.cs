namespace Clado.Allocation;

/// <summary>Which widths a file uses: every one of them costs the bytes of its function.</summary>
internal static class WidthSets
{
    /// <summary>All sets of widths but the empty one, in the order of numbers whose bits they are.</summary>
    /// <param name="widths">Widths, ascending. Shape: [widths].</param>
    /// <returns>Shape: [2^widths − 1][widths].</returns>
    public static IEnumerable<int[]> Of(int[] widths) =>
        Enumerable.Range(1, (1 << widths.Length) - 1).Select(set => widths.Where((_, i) => (set >> i & 1) == 1).ToArray());
}
