using System.Text.Json.Serialization;

namespace Clado.Losses;

/// <summary>How an output falls apart along one axis.</summary>
/// <param name="Axis">The axis. Range: [0, rank).</param>
/// <param name="PartOf">Part of each position. Shape: [positions]. Range: [0, parts along the axis).</param>
internal sealed record AxisParts(int Axis, IReadOnlyList<int> PartOf)
{
    /// <summary>Parts along the axis.</summary>
    [JsonIgnore]
    public int Count { get; } = PartOf.Count == 0 ? 0 : PartOf.Max() + 1;

    /// <summary>Whether it is of an axis of that shape: a file may say anything.</summary>
    internal bool Fits(IReadOnlyList<int> shape) =>
        Axis >= 0 && Axis < shape.Count && PartOf.Count == shape[Axis] && PartOf.All(part => part >= 0 && part < PartOf.Count);
}
