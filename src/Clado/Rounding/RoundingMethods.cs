namespace Clado.Rounding;

/// <summary>The ways to put weights on a grid, by name.</summary>
internal static class RoundingMethods
{
    private static readonly IRounding[] All = [new FeedbackRounding(), new GpfqRounding(), new NearestRounding(), new GaussianRounding()];

    /// <summary>Their names, the default first. Shape: [methods].</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(rounding => rounding.Name)];

    /// <summary>Whether a rounding looks at images; one that is not known may.</summary>
    /// <param name="name">Its name.</param>
    public static bool LooksAtImages(string name) => Array.Find(All, rounding => rounding.Name == name) is not { NeedsInputs: false };

    /// <summary>The rounding of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static IRounding Named(string name) => All.First(rounding => rounding.Name == name);
}
