using Clado.Allocation;

namespace Clado;

/// <summary>
/// Decides between choices by what they lose on the images (docs/decisions/2026-11-23-operating-point.md).
/// Where rounding was not fitted to these images, all of them judge, and the lower mean wins.
/// Where it was, they flatter the layers that it fitted best, and a choice of every gain takes chance gains, and loses on other images.
/// Then a gain counts on the images held back alone, and from two standard errors on.
/// </summary>
/// <param name="isFitted">Whether candidates were rounded on the images.</param>
/// <param name="holdsBack">Whether some images are held back from surrogates.</param>
internal sealed class ChoiceJudge(bool isFitted, bool holdsBack)
{
    // What is worse by so many standard errors on the images held back is not run on the others.
    private const double Hopeless = 4;

    /// <summary>Whether the images held back decide alone, so that the others need not be run.</summary>
    private bool HeldBackDecide => isFitted && holdsBack;

    /// <summary>Which of some choices have to be run on all images, by what they lose on those held back.</summary>
    /// <param name="heldBack">Their losses. Shape: [choices][images held back].</param>
    /// <param name="best">The best choice so far, or null.</param>
    /// <returns>Shape: [choices].</returns>
    public bool[] NeedAll(IReadOnlyList<double[]> heldBack, ChoiceLosses? best)
    {
        if (!holdsBack || heldBack.Count == 0)
        {
            return [.. heldBack.Select(_ => true)];
        }
        var least = heldBack.Append(best?.HeldBack ?? heldBack[0]).MinBy(losses => losses.Average())!;
        return [.. heldBack.Select(losses =>
            !HeldBackDecide && LossGain.Of(losses, least) is var gain && gain.Mean + (Hopeless * gain.StandardError) >= 0)];
    }

    /// <summary>The choice that is kept: each replaces the one before it where its gain counts.</summary>
    /// <param name="choices">What they lose, in the order of their risk. Shape: [choices].</param>
    /// <param name="best">The best choice so far, or null.</param>
    /// <returns>Its position; null where the best so far stays.</returns>
    public int? Best(IReadOnlyList<ChoiceLosses> choices, ChoiceLosses? best)
    {
        int? found = null;
        foreach (var (index, next) in choices.Index())
        {
            var kept = found is { } position ? choices[position] : best;
            if ((HeldBackDecide || next.Seen is not null) && (kept is null || Counts(Gain(next, kept))))
            {
                found = index;
            }
        }
        return found;
    }

    /// <summary>What a choice gains over another on the images that decide, as far as it was run on them.</summary>
    /// <param name="own">What it loses.</param>
    /// <param name="theirs">What the other loses.</param>
    public LossGain Gain(ChoiceLosses own, ChoiceLosses theirs) => HeldBackDecide || own.Seen is null
        ? LossGain.Of(own.HeldBack, theirs.HeldBack)
        : LossGain.Of([.. own.All], [.. theirs.All]);

    private bool Counts(LossGain gain) => isFitted ? gain.IsSignificant : gain.Mean > 0;
}

/// <summary>What a choice loses on every image, in the unit of the loss.</summary>
/// <param name="HeldBack">On those that no surrogate has seen. Shape: [images].</param>
/// <param name="Seen">On those that surrogates are measured on; null where they were not run. Shape: [images].</param>
internal sealed record ChoiceLosses(double[] HeldBack, double[]? Seen)
{
    /// <summary>On all of them. Shape: [images].</summary>
    public IEnumerable<double> All => HeldBack.Concat(Seen!);
}
