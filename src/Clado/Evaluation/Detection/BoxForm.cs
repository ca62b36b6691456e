namespace Clado.Evaluation.Detection;

/// <summary>What the four numbers of a box are.</summary>
/// <param name="HasCentre">Whether they are its centre and size; else two corners.</param>
/// <param name="InPixels">Whether they are pixels; else shares of the image. It does not change what overlaps.</param>
internal sealed record BoxForm(bool HasCentre, bool InPixels)
{
    // A few boxes of a sound head may be turned round where the network is unsure of them.
    private const double AlmostAll = 0.99;

    // Shares of the image end at 1; boxes reach beyond its border.
    private const float LargestShare = 2;

    /// <summary>The same in words.</summary>
    public string Description => (HasCentre ? "centre and size" : "two corners") + (InPixels ? " in pixels" : " as shares of the image");

    /// <summary>Finds it from boxes of a sound network.</summary>
    /// <param name="tables">Four columns of boxes each. Shape: [images].</param>
    /// <returns>null where they are neither, such as offsets from anchors.</returns>
    public static BoxForm? Of(IEnumerable<BoxTable> tables)
    {
        long rows = 0, ordered = 0, sized = 0;
        float largest = 0;
        foreach (var table in tables)
        {
            for (int row = 0; row < table.Rows; row++)
            {
                if (!table.IsFiller(row))
                {
                    rows++;
                    ordered += table[row, 2] >= table[row, 0] && table[row, 3] >= table[row, 1] ? 1 : 0;
                    sized += table[row, 2] >= 0 && table[row, 3] >= 0 ? 1 : 0;
                    largest = Math.Max(largest, Math.Max(Math.Abs(table[row, 2]), Math.Abs(table[row, 3])));
                }
            }
        }
        bool inPixels = largest > LargestShare;
        return ordered >= AlmostAll * rows ? new(false, inPixels) : sized >= AlmostAll * rows ? new(true, inPixels) : null;
    }

    /// <summary>A box.</summary>
    /// <param name="table">Four columns.</param>
    /// <param name="row">Which row.</param>
    public Box Read(BoxTable table, int row)
    {
        float a = table[row, 0], b = table[row, 1], c = table[row, 2], d = table[row, 3];
        return HasCentre
            ? new(a - (c / 2), b - (d / 2), a + (c / 2), b + (d / 2))
            : new(Math.Min(a, c), Math.Min(b, d), Math.Max(a, c), Math.Max(b, d));
    }
}
