namespace Clado.Sweeps;

/// <summary>How the bits of a point were chosen.</summary>
public enum CurveMethod
{
    /// <summary>By <see cref="MeasuredRun.Allocate"/> with the run's estimator.</summary>
    Clado,

    /// <summary>By the sum of the layers' single losses: what tools that measure layers one at a time would choose.</summary>
    Diagonal,

    /// <summary>All layers at one width.</summary>
    Uniform,
}

/// <summary>One network of the size–accuracy curve. Its JSON is that of <c>clado sweep --json</c>.</summary>
public sealed record CurvePoint
{
    /// <summary>How its bits were chosen.</summary>
    public required CurveMethod Method { get; init; }

    /// <summary>The budget as it was given; the width of a uniform network.</summary>
    public required string Budget { get; init; }

    /// <summary>Bytes the file may have; of a uniform network, what it has; null where the budget is not in bytes.</summary>
    public long? BudgetBytes { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Mean bits over the quantized weights. Range: [2, 8].</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Loss increase over the float network that the surrogate predicts for the images it was measured on.</summary>
    public double? PredictedLoss { get; init; }

    /// <summary>Loss increase over the float network on the evaluation images; null where it is not finite.</summary>
    public double? MeasuredLoss { get; init; }

    /// <summary>Share of evaluation images whose label has the highest score; null without labels. Range: [0, 1].</summary>
    public double? Top1 { get; init; }

    /// <summary>Share of evaluation images on which the highest score is the float network's; null where it is no classifier. Range: [0, 1].</summary>
    public double? Agreement { get; init; }

    /// <summary>How far the choice may be above the best possible for its surrogate, as a share; null for uniform networks. Range: [0, inf).</summary>
    public double? Gap { get; init; }

    /// <summary>Bits of each layer by its name, in the order of execution.</summary>
    public required IReadOnlyDictionary<string, int> Allocation { get; init; }

    /// <summary>Points of accuracy lost against the float network: of top-1 where there are labels, else of agreement; null where there are no classes.</summary>
    /// <param name="floatTop1">Top-1 of the float network on the same images, or null. Range: [0, 1].</param>
    public double? Drop(double? floatTop1) => Top1 is { } own && floatTop1 is { } whole ? 100 * (whole - own) : 100 * (1 - Agreement);

    /// <summary>This point, as long as there can be one like it.</summary>
    /// <exception cref="System.Text.Json.JsonException">A size, a width or a share is out of its range.</exception>
    internal CurvePoint Checked() =>
        SizeBytes >= 1 && BudgetBytes is null or >= 0 && BitsPerWeight is > 0 and <= 32 && Share(Top1) && Share(Agreement) && Allocation.Values.All(bits => bits is >= 1 and <= 32)
        && new[] { PredictedLoss, MeasuredLoss, Gap }.All(v => v is null || double.IsFinite(v.Value))
            ? this
            : throw new System.Text.Json.JsonException($"a point at {SizeBytes} bytes that no network can have");

    private static bool Share(double? value) => value is null or (>= 0 and <= 1);
}
