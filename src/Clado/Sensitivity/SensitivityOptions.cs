using Clado.Images;
using Clado.Losses;

namespace Clado.Sensitivity;

/// <summary>How sensitivities are measured.</summary>
public sealed record SensitivityOptions
{
    /// <summary>Names of the estimators.</summary>
    public static IReadOnlyList<string> Estimators { get; } = ["auto", "additive", "pairwise", "block", "diagonal"];

    /// <summary>Names of the losses.</summary>
    public static IReadOnlyList<string> Losses { get; } = [.. LossKind.All.Select(kind => kind.Name)];

    /// <summary>One of <see cref="Estimators"/>; auto measures additively and holds every fourth image back, to judge choices with.</summary>
    public string Estimator { get; init => field = OneOf(Estimators, value); } = "auto";

    /// <summary>Whether several surrogates are tried on the network.</summary>
    internal bool IsAutomatic => Estimator == "auto";

    /// <summary>The images that surrogates are measured on.</summary>
    internal ImageSet Seen(ImageSet images) => IsAutomatic ? images.WithoutHeldBack() : images;

    /// <summary>One of <see cref="Losses"/>; null for kl where the network is a classifier and mse elsewhere.</summary>
    public string? Loss { get; init => field = value is null ? null : OneOf(Losses, value); }

    private static string OneOf(IReadOnlyList<string> names, string value) =>
        names.Contains(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), $"'{value}' is none of {string.Join(", ", names)}");
}
