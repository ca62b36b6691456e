using System.Text.Json.Serialization;
using static System.FormattableString;

namespace Clado.Losses;

/// <summary>
/// What an output consists of, as far as its values on the images tell: quantities of scales of their own, which lie side by side along some of
/// its axes.
/// </summary>
/// <param name="Shape">Dimensions for one image. Shape: [rank].</param>
/// <param name="Axes">The axes along which it falls apart; none where all of it is of one kind. Shape: [axes].</param>
public sealed record OutputParts(IReadOnlyList<int> Shape, IReadOnlyList<AxisParts> Axes)
{
    /// <summary>Elements an image.</summary>
    [JsonIgnore]
    public int ElementCount => Shape.Aggregate(1, (product, dim) => product * dim);

    /// <summary>Number of parts: the product over the axes. Range: [1, inf).</summary>
    [JsonIgnore]
    public int Count => Axes.Aggregate(1, (product, axis) => product * axis.Count);

    /// <summary>In words, such as "10 parts along axis 1".</summary>
    [JsonIgnore]
    public string Summary => Axes.Count == 0
        ? "one part"
        : Invariant($"{Count:N0} parts along {(Axes.Count == 1 ? "axis" : "axes")} {string.Join(" and ", Axes.Select(a => Invariant($"{a.Axis}")))}");

    /// <summary>The part an element belongs to. Range: [0, parts).</summary>
    /// <param name="element">Position in row-major order. Range: [0, elements).</param>
    public int Of(int element)
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

/// <summary>How an output falls apart along one axis.</summary>
/// <param name="Axis">The axis. Range: [0, rank).</param>
/// <param name="PartOf">Part of each position. Shape: [positions]. Range: [0, parts along the axis).</param>
public sealed record AxisParts(int Axis, IReadOnlyList<int> PartOf)
{
    /// <summary>Parts along the axis.</summary>
    [JsonIgnore]
    public int Count { get; } = PartOf.Count == 0 ? 0 : PartOf.Max() + 1;
}

/// <summary>The units in which errors of an output are measured: what the images change in it, part by part.</summary>
/// <param name="Output">Name of the output.</param>
/// <param name="Parts">What it consists of.</param>
/// <param name="Variances">Variance of each part. Shape: [parts]. Range: (0, inf).</param>
public sealed record OutputScale(string Output, OutputParts Parts, IReadOnlyList<double> Variances)
{
    /// <summary>Whether the parts fit the shape and every part has a variance above 0: a file may say anything.</summary>
    internal bool IsConsistent => Parts.Shape.All(dim => dim > 0) && Parts.Shape.Aggregate(1.0, (product, dim) => product * dim) <= int.MaxValue
        && Parts.Axes.All(a => a is not null) && Parts.Axes.DistinctBy(a => a.Axis).Count() == Parts.Axes.Count
        && Parts.Axes.All(a => a.Axis >= 0 && a.Axis < Parts.Shape.Count && a.PartOf.Count == Parts.Shape[a.Axis] && a.PartOf.All(part => part >= 0 && part < a.PartOf.Count))
        && Parts.Count == Variances.Count && Variances.All(v => double.IsFinite(v) && v > 0);
}
