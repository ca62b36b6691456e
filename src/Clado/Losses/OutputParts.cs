using System.Text.Json.Serialization;
using static System.FormattableString;

namespace Clado.Losses;

/// <summary>
/// What an output consists of, as far as its values on the images tell: quantities of scales of their own, which lie side by side along
/// some of its axes.
/// </summary>
/// <param name="Shape">Dimensions for one image. Shape: [rank].</param>
/// <param name="Axes">The axes along which it falls apart; none where all of it is of one kind. Shape: [axes].</param>
internal sealed record OutputParts(IReadOnlyList<int> Shape, IReadOnlyList<AxisParts> Axes)
{
    /// <summary>Number of parts: the product over the axes. Range: [1, inf).</summary>
    [JsonIgnore]
    public int Count => Axes.Aggregate(1, (product, axis) => product * axis.Count);

    /// <summary>In words, such as "10 parts along axis 1".</summary>
    [JsonIgnore]
    public string Summary
    {
        get
        {
            var axes = string.Join(" and ", Axes.Select(a => Invariant($"{a.Axis}")));
            return Axes.Count == 0 ? "one part" : Invariant($"{Count:N0} parts along {(Axes.Count == 1 ? "axis" : "axes")} {axes}");
        }
    }

    /// <summary>Elements an image.</summary>
    internal int ElementCount => Shape.Aggregate(1, (product, dim) => product * dim);

    /// <summary>Whether the axes fit the shape: a file may say anything.</summary>
    internal bool IsConsistent => Shape.All(dim => dim > 0) && Shape.Aggregate(1.0, (product, dim) => product * dim) <= int.MaxValue
        && Axes.All(axis => axis is not null && axis.Fits(Shape)) && Axes.DistinctBy(axis => axis.Axis).Count() == Axes.Count;

    /// <summary>The part an element belongs to. Range: [0, parts).</summary>
    /// <param name="element">Position in row-major order. Range: [0, elements).</param>
    internal int Of(int element)
    {
        int part = 0;
        foreach (var axis in Axes)
        {
            part = (part * axis.Count) + axis.PartOf[PositionOf(Shape, element, axis.Axis)];
        }
        return part;
    }

    /// <summary>Position of an element along an axis.</summary>
    internal static int PositionOf(IReadOnlyList<int> shape, int element, int axis)
    {
        for (int after = shape.Count - 1; after > axis; after--)
        {
            element /= shape[after];
        }
        return element % shape[axis];
    }
}
