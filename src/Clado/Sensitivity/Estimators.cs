namespace Clado.Sensitivity;

/// <summary>All estimators by name: whoever lists, checks or uses one looks here.</summary>
internal static class Estimators
{
    /// <summary>The one that is used where sensitivities are measured again around a choice.</summary>
    public const string AroundChoices = "additive";

    /// <summary>Every estimator, the default first.</summary>
    public static IReadOnlyList<EstimatorEntry> All { get; } =
    [
        new("auto", "additive, and several shares of its cross terms tried on the network", new AdditiveEstimator(), HoldsBack: true),
        new("additive", "one pass a candidate, cross terms from outputs that add up", new AdditiveEstimator()),
        new("fisher", "all candidates and pairs from a few passes back: gradients of the outputs", new FisherEstimator()),
        new("pairwise", "all pairs of candidates on the network itself", new PairwiseEstimator(insideBlocks: false)),
        new("block", "pairs inside residual and transformer blocks", new PairwiseEstimator(insideBlocks: true)),
        new("diagonal", "one pass a candidate, no cross terms", new DiagonalEstimator()),
    ];

    /// <summary>The estimator of a name.</summary>
    /// <param name="name">One of those of <see cref="All"/>.</param>
    public static EstimatorEntry Of(string name) => All.First(entry => entry.Name == name);
}

/// <summary>An estimator and what is said of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, in a few words of help.</param>
/// <param name="Estimator">What measures.</param>
/// <param name="HoldsBack">
/// Whether several surrogates are tried on the network, and some images held back to judge between them.
/// </param>
internal sealed record EstimatorEntry(string Name, string Description, IEstimator Estimator, bool HoldsBack = false);
