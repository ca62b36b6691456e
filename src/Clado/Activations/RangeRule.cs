namespace Clado.Activations;

/// <summary>A way to choose the interval of a grid for the values seen.</summary>
/// <param name="Name">Its name in results.</param>
/// <param name="Interval">Chooses.</param>
/// <param name="NeedsCounts">Whether values have to be counted for it, or their extremes are enough.</param>
internal sealed record RangeRule(string Name, Func<ActivationHistogram, (double Minimum, double Maximum)> Interval, bool NeedsCounts = true)
{
    private const double UsualTail = 1e-5;

    /// <summary>All ways that are tried on a tensor whose rounding costs much. Shape: [rules].</summary>
    public static IReadOnlyList<RangeRule> All { get; } =
    [
        new("mse", seen => seen.LeastSquares()),
        new("minmax", seen => seen.Extremes(), NeedsCounts: false),
        Percentile("percentile", UsualTail),
        Percentile("percentile 99.99", 1e-4),
        Percentile("percentile 99.9", 1e-3),
    ];

    /// <summary>That of a method.</summary>
    /// <param name="method">The method.</param>
    public static RangeRule Of(RangeMethod method) => All[method switch
    {
        RangeMethod.LeastSquares => 0,
        RangeMethod.MinMax => 1,
        _ => 2,
    }];

    private static RangeRule Percentile(string name, double tail) => new(name, seen => seen.Percentile(tail));
}
