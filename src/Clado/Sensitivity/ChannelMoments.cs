namespace Clado.Sensitivity;

/// <summary>
/// Sums over images of what the channels of every candidate cost (docs/method.md, "Rows"): alone, and as their part of the candidate's
/// whole; and of the squares of both.
/// </summary>
internal sealed class ChannelMoments
{
    /// <summary>Kinds of sums.</summary>
    public const int Kinds = 4;

    private readonly ChannelOffsets layout;

    /// <param name="layout">Where channels lie.</param>
    public ChannelMoments(ChannelOffsets layout) => (this.layout, Values) = (layout, new double[Kinds * layout.Count]);

    /// <summary>Sums, and sums of squares, of each channel alone; the same of its part of the whole. Shape: [4 · channels].</summary>
    public double[] Values { get; }

    /// <summary>Adds an image.</summary>
    /// <param name="derivatives">Of every channel along the directions. Shape: [channels · directions].</param>
    /// <param name="form">The loss by these derivatives.</param>
    public void Add(ReadOnlySpan<float> derivatives, QuadraticForm form)
    {
        int directions = form.Directions, n = layout.Count;
        for (int row = 0; row < layout.CandidateCount; row++)
        {
            var (start, count) = (layout.Start(row), layout.CountOf(row));
            var own = derivatives.Slice(start * directions, count * directions);
            var whole = new double[directions];
            for (int i = 0; i < own.Length; i++)
            {
                whole[i % directions] += own[i];
            }
            for (int channel = 0; channel < count; channel++)
            {
                var (alone, part) = form.Of(own.Slice(channel * directions, directions), whole);
                int at = start + channel;
                Values[at] += alone;
                Values[n + at] += alone * alone;
                Values[(2 * n) + at] += part;
                Values[(3 * n) + at] += part * part;
            }
        }
    }
}
