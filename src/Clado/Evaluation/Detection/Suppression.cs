namespace Clado.Evaluation.Detection;

/// <summary>Leaves one box of many around the same object, as whoever uses a raw head does.</summary>
internal static class Suppression
{
    /// <summary>Boxes of a class that overlap more are one: the usual threshold.</summary>
    public const double MostOverlap = 0.45;

    /// <summary>More boxes of an image are not looked at: no image has as many objects, and a broken network may give all it has.</summary>
    private const int Most = 1000;

    /// <summary>Keeps the highest scores.</summary>
    /// <param name="found">Boxes of one image. Shape: [boxes].</param>
    /// <returns>Those kept, highest score first. Shape: [boxes].</returns>
    public static IReadOnlyList<Detection> Apply(IEnumerable<Detection> found)
    {
        var kept = new List<Detection>();
        foreach (var next in found.OrderByDescending(d => d.Score).Take(Most))
        {
            if (!kept.Exists(k => k.Class == next.Class && k.Box.Overlap(next.Box) > MostOverlap))
            {
                kept.Add(next);
            }
        }
        return kept;
    }
}
