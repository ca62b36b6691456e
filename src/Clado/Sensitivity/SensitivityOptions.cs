using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>How sensitivities are measured.</summary>
internal sealed record SensitivityOptions
{
    /// <summary>Names of the estimators. Shape: [estimators].</summary>
    public static IReadOnlyList<string> Estimators { get; } = [.. Sensitivity.Estimators.All.Select(entry => entry.Name)];

    /// <summary>What each estimator does, in a few words. Shape: [estimators].</summary>
    public static IReadOnlyList<string> EstimatorDescriptions { get; } =
        [.. Sensitivity.Estimators.All.Select(entry => entry.Description)];

    /// <summary>Names of the losses. Shape: [losses].</summary>
    public static IReadOnlyList<string> Losses { get; } = [.. LossKind.All.Select(kind => kind.Name)];

    /// <summary>
    /// One of <see cref="Estimators"/>. With auto every fourth image is held back, to judge choices with.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public string Estimator { get; init => field = OneOf(Estimators, value); } = "auto";

    /// <summary>One of <see cref="Losses"/>; null for kl of scores of classes, cosine of embeddings, and mse elsewhere.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public string? Loss { get; init => field = value is null ? null : OneOf(Losses, value); }

    /// <summary>Whether several surrogates are tried on the network.</summary>
    internal bool IsAutomatic => Sensitivity.Estimators.Of(Estimator).HoldsBack;

    /// <summary>The images that surrogates are measured on.</summary>
    internal ImageSet Seen(ImageSet images) => IsAutomatic ? images.WithoutHeldBack() : images;

    private static string OneOf(IReadOnlyList<string> names, string value) => names.Contains(value)
        ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"'{value}' is none of {string.Join(", ", names)}");
}
