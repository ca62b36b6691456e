namespace Clado.Images;

/// <summary>How an image is moved: what it shows stays the same. Its border is mirrored where nothing is left of it.</summary>
/// <param name="IsMirrored">Whether left and right change places.</param>
/// <param name="Down">Pixels that it moves up.</param>
/// <param name="Right">Pixels that it moves left; to the right where it is mirrored.</param>
internal readonly record struct ImageMotion(bool IsMirrored, int Down, int Right)
{
    // Largest move, as a share of a side.
    private const int Parts = 8;

    /// <summary>Draws one: by up to an eighth of the sides.</summary>
    /// <param name="random">What is drawn from.</param>
    /// <param name="shape">The image.</param>
    public static ImageMotion Draw(Random random, ImageShape shape) => new(
        random.Next(2) == 1, random.Next(-shape.Height / Parts, (shape.Height / Parts) + 1),
        random.Next(-shape.Width / Parts, (shape.Width / Parts) + 1));

    /// <summary>Writes an image, moved.</summary>
    /// <param name="shape">The image.</param>
    /// <param name="from">Its pixels. Shape: [elements].</param>
    /// <param name="to">Where they go. Shape: [elements].</param>
    public void Move(ImageShape shape, ReadOnlySpan<float> from, Span<float> to)
    {
        bool isPlanar = shape.Layout == ChannelLayout.Nchw;
        var (pixel, planes, depth) = isPlanar ? (1, shape.Channels, 1) : (shape.Channels, 1, shape.Channels);
        int at = 0, area = shape.Height * shape.Width * pixel;
        for (int plane = 0; plane < planes; plane++)
        {
            for (int y = 0; y < shape.Height; y++)
            {
                int row = (plane * area) + (Within(y + Down, shape.Height) * shape.Width * pixel);
                for (int x = 0; x < shape.Width; x++)
                {
                    int column = Within(x + Right, shape.Width);
                    from.Slice(row + ((IsMirrored ? shape.Width - 1 - column : column) * pixel), depth).CopyTo(to[at..]);
                    at += depth;
                }
            }
        }
    }

    /// <summary>A place of the image for one beyond its border: it is mirrored there.</summary>
    private static int Within(int place, int count) => place < 0 ? -place - 1 : place >= count ? (2 * count) - 1 - place : place;
}
