namespace Clado.Losses;

/// <summary>
/// Which axis of an output is that of its channels, as far as its shape tells (docs/method.md, "Units of mse"). The rows and columns
/// of a map are neighbours of like length. Channels lie in front of a map that ends the shape, or else last. Without a map they are
/// the shorter of the last two axes. Values do not matter: how scales spread over places says nothing about where the channels are.
/// </summary>
internal static class ChannelAxis
{
    // Sides of a map are at most this many times as long as one another.
    private const double MostElongated = 4;

    /// <summary>Finds it.</summary>
    /// <param name="shape">Dimensions for one image. Shape: [rank].</param>
    /// <returns>The axis; null where there is none but that of images.</returns>
    public static int? Of(IReadOnlyList<int> shape)
    {
        int[] axes = [.. Enumerable.Range(0, shape.Count).Skip(shape.Count > 0 && shape[0] == 1 ? 1 : 0)];
        return axes.Length <= 2
            ? Shorter(shape, axes)
            : OfMap(shape, axes) ?? Shorter(shape, [.. axes.Where(axis => shape[axis] > 1).TakeLast(2)]);
    }

    /// <summary>The axis of channels of what has rows and columns; null where no two neighbours are like them.</summary>
    private static int? OfMap(IReadOnlyList<int> shape, int[] axes)
    {
        int front = axes[^3], last = axes[^1];
        double atEnd = Elongation(shape, axes[^2]), before = axes.SkipLast(2).Min(axis => Elongation(shape, axis));
        if (Math.Min(atEnd, before) > MostElongated)
        {
            return axes.Length > 3 ? last : null;
        }
        // Equal sides go before others that are like. Where either could be the map, an axis of anchors leaves the last.
        // Without one, channels are the fewer.
        bool couldBeBoth = Math.Max(atEnd, before) <= MostElongated && (atEnd == 1) == (before == 1);
        return !couldBeBoth ? (atEnd < before ? front : last) : axes.Length > 3 ? last : Shorter(shape, [front, last]);
    }

    /// <summary>
    /// How many times as long the longer of an axis and its neighbour is; infinite where either has one position. Range: [1, inf].
    /// </summary>
    private static double Elongation(IReadOnlyList<int> shape, int axis)
    {
        int shorter = Math.Min(shape[axis], shape[axis + 1]);
        return shorter == 1 ? double.PositiveInfinity : (double)Math.Max(shape[axis], shape[axis + 1]) / shorter;
    }

    /// <summary>The shorter of the first and the last of some axes, the first where they are equal.</summary>
    private static int? Shorter(IReadOnlyList<int> shape, int[] axes) =>
        axes.Length == 0 ? null : shape[axes[^1]] < shape[axes[0]] ? axes[^1] : axes[0];
}
