using Clado.Images;
using static System.FormattableString;

namespace Clado.Curves;

/// <summary>Which points of the size–accuracy curve are wanted, and on which images they are evaluated.</summary>
public sealed record SweepOptions
{
    /// <summary>Folder of the images to evaluate on; null for the images that the sensitivities were measured on.</summary>
    public string? Images { get; init; }

    /// <summary>
    /// Images of that folder to use at most; null for all, the default. Range: [1, inf). Every point of the curve is evaluated on them.
    /// Those of the run are all used.
    /// </summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int? Limit
    {
        get;
        init => field = ImageSet.CheckedLimit(value);
    }

    /// <summary>Seed of the choice of images, where <see cref="Limit"/> leaves some out.</summary>
    public int Seed { get; init; }

    /// <summary>What is added to the class indices of that folder's images; null for what the run adds to those of its own.</summary>
    public int? LabelOffset { get; init; }

    /// <summary>
    /// Budgets, as <see cref="Allocation.Budget.Parse"/> reads them; empty to have <see cref="PointCount"/> of them chosen.
    /// Shape: [budgets].
    /// </summary>
    public IReadOnlyList<string> Budgets { get; init => field = [.. value]; } = [];

    /// <summary>Number of budgets to choose where none are given. Range: [2, 1000].</summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int PointCount
    {
        get;
        init => field = value is >= 2 and <= 1000
            ? value
            : throw new CladoException(Invariant($"{Settings.PointCount} {value}: 2 to 1000 are wanted"));
    } = 20;

    /// <summary>
    /// Rounds of measuring around each choice at most, as in <see cref="MeasuredRun.Allocate"/>; null for the default. Range: [0, inf).
    /// </summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int? Rounds
    {
        get;
        init => field = value is null or >= 0
            ? value
            : throw new CladoException(Invariant($"{Settings.Rounds} {value}: 0 or more are wanted"));
    }
}
