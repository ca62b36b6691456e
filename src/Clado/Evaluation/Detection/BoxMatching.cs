namespace Clado.Evaluation.Detection;

/// <summary>Finds which boxes of one network are those of another.</summary>
internal static class BoxMatching
{
    /// <summary>Boxes that overlap by less are of two objects: the usual threshold.</summary>
    public const double LeastOverlap = 0.5;

    /// <summary>
    /// Pairs that belong together: of one class, each box in one pair at most, those that overlap most first. Which list is which does not
    /// matter.
    /// </summary>
    /// <param name="first">Boxes of one image. Shape: [boxes].</param>
    /// <param name="second">Boxes of the same image. Shape: [boxes].</param>
    /// <returns>Number of pairs.</returns>
    public static int Count(IReadOnlyList<Detection> first, IReadOnlyList<Detection> second)
    {
        var pairs = new List<(double Overlap, int First, int Second)>();
        for (int i = 0; i < first.Count; i++)
        {
            for (int j = 0; j < second.Count; j++)
            {
                if (first[i].Class == second[j].Class && first[i].Box.Overlap(second[j].Box) is >= LeastOverlap and var overlap)
                {
                    pairs.Add((overlap, i, j));
                }
            }
        }
        bool[] taken = new bool[first.Count], given = new bool[second.Count];
        int count = 0;
        // Among equal overlaps an order that is the same with the lists exchanged: pairs (i, j) and (j, i) take nothing from each other.
        var ordered = pairs.OrderByDescending(p => p.Overlap).ThenBy(p => Math.Min(p.First, p.Second))
            .ThenBy(p => Math.Max(p.First, p.Second));
        foreach (var (_, i, j) in ordered)
        {
            if (!taken[i] && !given[j])
            {
                taken[i] = given[j] = true;
                count++;
            }
        }
        return count;
    }
}
