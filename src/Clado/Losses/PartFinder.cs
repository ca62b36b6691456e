namespace Clado.Losses;

/// <summary>
/// Finds the quantities of different scale that an output consists of (docs/method.md, "Units of mse"). Channels
/// (<see cref="ChannelAxis"/>) are parts of their own where any two differ in scale. Along other axes lie places (anchors, pixels),
/// whose scales run through all values where an answer is sparse. There only a gap tells quantities apart, and a part is what lies on
/// one side of it. Both must be larger than what so few images leave to chance.
/// </summary>
/// <param name="shape">Dimensions for one image. Shape: [rank].</param>
/// <param name="means">Mean of each element over the images. Shape: [elements].</param>
/// <param name="variances">Variance of each element over the images. Shape: [elements].</param>
/// <param name="images">Number of images. Range: [2, inf).</param>
internal sealed class PartFinder(IReadOnlyList<int> shape, double[] means, double[] variances, int images)
{
    // Ratios of variances: deviations twice and ten times as large.
    private const double ChannelRatio = 4;
    private const double GapRatio = 100;

    // A longer axis is no axis of channels.
    private const int MostChannels = 1024;

    // Places on either side of a gap are at least this share: single dead places are no quantity.
    private const int SmallestGroupShare = 32;

    // Groups along an axis of places at most.
    private const int MostGroups = 16;

    /// <summary>Finds.</summary>
    public OutputParts Find()
    {
        int? channels = ChannelAxis.Of(shape);
        int[] axes = [.. Enumerable.Range(0, shape.Count).Where(axis => shape[axis] > 1)];
        var parts = new OutputParts(shape, []);
        while (true)
        {
            bool undivided = channels is { } axis && shape[axis] is > 1 and <= MostChannels && parts.Axes.All(a => a.Axis != axis);
            var next = undivided && ChannelsDiffer(parts, channels!.Value)
                ? With(parts, new AxisParts(channels.Value, [.. Enumerable.Range(0, shape[channels.Value])]))
                : Divided(parts, [.. axes.Where(a => a != channels || shape[a] > MostChannels)]);
            if (next is null)
            {
                return parts;
            }
            parts = next;
        }
    }

    /// <summary>Whether positions along an axis differ in scale, within any part.</summary>
    private bool ChannelsDiffer(OutputParts parts, int axis)
    {
        var profiles = Profiles(parts, axis);
        double constant = Cells.ConstantBelow(profiles);
        return profiles.Chunk(shape[axis]).Select(profile => profile.Where(scale => scale > constant).ToArray())
            .Any(profile => profile.Length > 1 && Math.Log(profile.Max() / profile.Min()) > Threshold(ChannelRatio, profile.Length));
    }

    /// <summary>The parts with a group of places divided at the widest gap of all; null where no gap is wide enough.</summary>
    private OutputParts? Divided(OutputParts parts, int[] axes)
    {
        var (widest, divided) = (0.0, (AxisParts?)null);
        foreach (int axis in axes)
        {
            var groups = parts.Axes.FirstOrDefault(a => a.Axis == axis) ?? new AxisParts(axis, new int[shape[axis]]);
            foreach (var (profile, group, scales) in groups.Count < MostGroups ? Groups(parts, groups) : [])
            {
                if (WidestGap(scales, widest) is var (width, above))
                {
                    widest = width;
                    divided = Renumbered(
                        axis, groups.PartOf.Select((own, place) => own == group && profile[place] >= above ? groups.Count : own));
                }
            }
        }
        return divided is null ? null : With(parts, divided);
    }

    /// <summary>Each group of places, once for each part along the other axes: the scales of all places, and its own in order.</summary>
    private IEnumerable<(double[] Profile, int Group, double[] Scales)> Groups(OutputParts parts, AxisParts groups)
    {
        var profiles = Profiles(parts with { Axes = [.. parts.Axes.Where(a => a.Axis != groups.Axis)] }, groups.Axis);
        double constant = Cells.ConstantBelow(profiles);
        return from profile in profiles.Chunk(shape[groups.Axis])
               from part in Enumerable.Range(0, groups.Count)
               let own = profile.Where((scale, place) => groups.PartOf[place] == part && scale > constant)
               select (profile, part, own.Order().ToArray());
    }

    /// <summary>The widest gap between scales, and the scale above it; null where none is wide enough.</summary>
    /// <param name="scales">In ascending order. Shape: [places].</param>
    /// <param name="atLeast">What it has to be wider than, a logarithm of a ratio of variances.</param>
    private (double Width, double Above)? WidestGap(double[] scales, double atLeast)
    {
        (double Width, double Above)? widest = null;
        int least = Math.Max(1, scales.Length / SmallestGroupShare);
        double threshold = Math.Max(atLeast, Threshold(GapRatio, Math.Max(1, scales.Length)));
        for (int i = least; i <= scales.Length - least; i++)
        {
            double gap = Math.Log(scales[i] / scales[i - 1]);
            if (gap > threshold)
            {
                threshold = gap;
                widest = (gap, scales[i]);
            }
        }
        return widest;
    }

    /// <summary>Groups numbered as they first occur.</summary>
    private static AxisParts Renumbered(int axis, IEnumerable<int> groups)
    {
        int[] all = [.. groups];
        int[] order = [.. all.Distinct()];
        return new AxisParts(axis, [.. all.Select(group => Array.IndexOf(order, group))]);
    }

    private static OutputParts With(OutputParts parts, AxisParts axis) =>
        parts with { Axes = [.. parts.Axes.Where(a => a.Axis != axis.Axis).Append(axis).OrderBy(a => a.Axis)] };

    /// <summary>Scales of the positions along an axis, for each part along the others. Shape: [parts · positions].</summary>
    private double[] Profiles(OutputParts others, int axis)
    {
        var cells = new Cells(others.Count * shape[axis]);
        for (int element = 0; element < means.Length; element++)
        {
            int position = OutputParts.PositionOf(shape, element, axis);
            cells.Add((others.Of(element) * shape[axis]) + position, means[element], variances[element]);
        }
        return cells.Scales();
    }

    /// <summary>
    /// What the logarithms of variances of one kind hardly differ by. That of a variance of n images has a standard error near
    /// √(2 / (n − 1)), and the extremes of m such lie about 2 √(2 log m) standard errors apart. Of few images the least of them is
    /// smaller still, by a power 2 / (n − 1) of m, twice which is granted. Elements of a position are not counted as images: they go
    /// together.
    /// </summary>
    private double Threshold(double ratio, int count)
    {
        double share = 2.0 / (images - 1), log = Math.Log(count);
        return Math.Log(ratio) + (2 * Math.Sqrt(2 * log * share)) + (2 * share * log);
    }
}
