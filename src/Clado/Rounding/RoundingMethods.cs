namespace Clado.Rounding;

/// <summary>The ways to put weights on a grid, by name.</summary>
internal static class RoundingMethods
{
    private static readonly IRounding[] All = [new FeedbackRounding(), new GpfqRounding(), new NearestRounding()];

    /// <summary>Their names, the default first. Shape: [methods].</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(rounding => rounding.Name)];

    /// <summary>The one of a name, which is one of <see cref="Names"/>.</summary>
    /// <param name="name">The name.</param>
    public static IRounding Named(string name) => All.First(rounding => rounding.Name == name);
}
