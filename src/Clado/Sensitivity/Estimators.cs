using Clado.Candidates;

namespace Clado.Sensitivity;

/// <summary>All estimators by name: whoever lists, checks or uses one looks here.</summary>
internal static class Estimators
{
    private static FisherEstimator Gradients { get; } = new();

    private static AdditiveEstimator Forward { get; } = new();

    /// <summary>Every estimator, the default first.</summary>
    public static IReadOnlyList<EstimatorEntry> All { get; } =
    [
        new("auto", "fisher, checked forward, and several shares of its cross terms tried on the network", Gradients, HoldsBack: true),
        new("additive", "one pass a candidate, cross terms from outputs that add up", Forward),
        new("fisher", "all candidates and pairs from a few passes back: gradients of the outputs", Gradients),
        new("pairwise", "all pairs of candidates on the network itself", new PairwiseEstimator(insideBlocks: false)),
        new("block", "pairs inside residual and transformer blocks", new PairwiseEstimator(insideBlocks: true)),
        new("diagonal", "one pass a candidate, no cross terms", new DiagonalEstimator()),
    ];

    /// <summary>The estimator of a name.</summary>
    /// <param name="name">One of those of <see cref="All"/>.</param>
    public static EstimatorEntry Of(string name) => All.First(entry => entry.Name == name);

    /// <summary>The estimator that measures a network where one is asked for: auto takes what the network allows.</summary>
    /// <param name="name">One of those of <see cref="All"/>.</param>
    /// <param name="cuts">The network.</param>
    public static IEstimator For(string name, NetworkCuts cuts) =>
        Of(name) is { HoldsBack: true } && NoGradients(cuts) is not null ? Forward : Of(name).Estimator;

    /// <summary>What it takes of memory: auto also that of the suffixes, which gradients that are not to be trusted want.</summary>
    /// <param name="name">One of those of <see cref="All"/>.</param>
    /// <param name="cuts">The network.</param>
    /// <param name="candidates">The rows of the matrix.</param>
    public static EstimatorMemory MemoryOf(string name, NetworkCuts cuts, CandidateSet candidates)
    {
        var memory = For(name, cuts).Memory(cuts, candidates);
        return memory with { IsWhole = memory.IsWhole && !Of(name).HoldsBack };
    }

    /// <summary>Name of the estimator that measures around choices: gradients where the float network was measured by them.</summary>
    /// <param name="name">Name of the one that measured the float network.</param>
    public static string AroundChoices(string name) => name == Gradients.Name ? name : Forward.Name;

    /// <summary>Why a network has no gradients, in words; null where it has.</summary>
    /// <param name="cuts">The network.</param>
    public static string? NoGradients(NetworkCuts cuts)
    {
        try
        {
            Gradients.Check(cuts);
            return null;
        }
        catch (CladoException e)
        {
            return e.InnerException?.Message ?? e.Message;
        }
    }
}

/// <summary>An estimator and what is said of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, in a few words of help.</param>
/// <param name="Estimator">What measures.</param>
/// <param name="HoldsBack">
/// Whether several surrogates are tried on the network, and some images held back to judge between them.
/// </param>
internal sealed record EstimatorEntry(string Name, string Description, IEstimator Estimator, bool HoldsBack = false);
