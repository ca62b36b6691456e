using Clado.Allocation;

namespace Clado.Tuning;

/// <summary>What tuning changed, on images that were held back from it: loss increases over the float network.</summary>
/// <param name="LossBefore">Of the choice as it was rounded.</param>
/// <param name="LossRefined">
/// Of the choice rounded again with known widths, on the images that are not held back: where tuning begins.
/// </param>
/// <param name="LossAfter">Of the best that was found.</param>
/// <param name="Gain">What that gains over the beginning.</param>
/// <param name="Epochs">The best epoch of the whole network, 0 for none. Range: [0, inf).</param>
public sealed record TuningEffect(double LossBefore, double LossRefined, double LossAfter, LossGain Gain, int Epochs)
{
    /// <summary>What tuning of blocks changed; null where they were not tuned.</summary>
    public BlockEffect? Blocks { get; init; }

    /// <summary>Whether what was tuned was kept: it gains more than chance often makes one.</summary>
    public bool IsKept => Gain.IsSignificant;

    /// <summary>Whether at least what was rounded again was kept.</summary>
    public bool IsRefined => IsKept || LossRefined < LossBefore;
}

/// <summary>What tuning of blocks changed.</summary>
/// <param name="Count">Blocks of the network. Range: [1, inf).</param>
/// <param name="Better">
/// Those that give on images held back what is nearer to what they give in the float network. Range: [0, Count].
/// </param>
/// <param name="Loss">Loss increase with these, on images held back.</param>
public sealed record BlockEffect(int Count, int Better, double Loss);
