using Clado.Allocation;

namespace Clado.Tuning;

/// <summary>What tuning changed, on images that were held back from it: loss increases over the float network.</summary>
/// <param name="LossBefore">Of the choice as it was rounded.</param>
/// <param name="LossRefined">
/// Of the choice rounded again with known widths, on the images that are not held back: where tuning begins.
/// </param>
/// <param name="LossAfter">After the best epoch.</param>
/// <param name="Gain">What that gains over the beginning.</param>
/// <param name="Epochs">The best epoch, 0 for none. Range: [0, inf).</param>
public sealed record TuningEffect(double LossBefore, double LossRefined, double LossAfter, LossGain Gain, int Epochs)
{
    /// <summary>Whether what was tuned was kept: it gains more than chance often makes one.</summary>
    public bool IsKept => Gain.IsSignificant;

    /// <summary>Whether at least what was rounded again was kept.</summary>
    public bool IsRefined => IsKept || LossRefined < LossBefore;
}
