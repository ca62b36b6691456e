using Clado.Losses;

namespace Clado.Evaluation.Measures;

/// <summary>
/// Which axis of a map is that of its channels. The other two have the proportions of the image that the network takes; where that
/// decides nothing, the shape alone does (<see cref="ChannelAxis"/>).
/// </summary>
internal static class MapLayout
{
    /// <summary>Finds it.</summary>
    /// <param name="shape">Dimensions for one image. Shape: [rank].</param>
    /// <param name="image">Rows and columns of the image; null where they are not known.</param>
    /// <returns>The axis; null where the shape is no map with one.</returns>
    public static int? Channels(IReadOnlyList<int> shape, (int Height, int Width)? image)
    {
        if (shape is not [1, var first, var second, var third])
        {
            return shape.Count(dim => dim > 1) < 3 ? null : ChannelAxis.Of(shape);
        }
        var (front, last) = (Mismatch(second, third, image), Mismatch(first, second, image));
        return front != last && Math.Min(front, last) <= 1 ? (front < last ? 1 : 3)
            : first == 1 ? 1 : third == 1 ? 3 : ChannelAxis.Of(shape);
    }

    /// <summary>Whether a map has the proportions of an image, but for a row or a column that a stride leaves.</summary>
    public static bool IsLike(int rows, int columns, (int Height, int Width)? image) => Mismatch(rows, columns, image) <= 1;

    /// <summary>By how many rows or columns a map's proportions are not those of an image; infinite where it is no map.</summary>
    private static double Mismatch(int rows, int columns, (int Height, int Width)? image) =>
        image is var (height, width) && rows > 1 && columns > 1
            ? Math.Abs(((double)rows * width) - ((double)columns * height)) / Math.Max(width, height)
            : double.PositiveInfinity;
}
