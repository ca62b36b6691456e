namespace Clado.Sensitivity;

/// <summary>
/// Cross-layer sensitivities <c>G</c>: for a one-hot choice x of candidates, <c>xᵀ G x</c> is twice the predicted loss increase
/// (arXiv 2307.05657, eq. 9–11).
/// </summary>
public sealed record SensitivityMatrix
{
    /// <summary>Name of the estimator that measured it.</summary>
    public required string Estimator { get; init; }

    /// <summary>Name of the loss: kl, ce, mse or cosine.</summary>
    public required string Loss { get; init; }

    /// <summary>Mean loss of the float network on the same images: nats for ce, 0 for the others.</summary>
    public required double BaseLoss { get; init; }

    /// <summary>Images measured. Range: [1, inf).</summary>
    public required int ImageCount { get; init; }

    /// <summary>Images a batch, where the run had settled on a number; it may change last bits.</summary>
    internal int? BatchSize { get; init; }

    /// <summary>As measured, symmetric. Shape: [candidates, candidates], row-major.</summary>
    public required double[] Raw { get; init; }

    /// <summary>Standard error of each entry of <see cref="Raw"/> over the images. Shape: [candidates, candidates], row-major.</summary>
    public required double[] StandardErrors { get; init; }

    /// <summary>The nearest semidefinite matrix: negative eigenvalues set to 0. Shape: [candidates, candidates], row-major.</summary>
    public required double[] Projected { get; init; }

    /// <summary>Eigenvalues of <see cref="Raw"/>, ascending. Shape: [candidates].</summary>
    public required double[] Eigenvalues { get; init; }

    /// <summary>What rows cost, where they were measured with it; they are a product of their own.</summary>
    internal ChannelSensitivities? Channels { get; init; }

    /// <summary>
    /// What forward passes said of gradients, width by width, narrowest first: all but the last do not agree, and the candidates of these
    /// widths were measured forward. Empty where nothing was compared. Shape: [widths].
    /// </summary>
    public IReadOnlyList<GradientCheck> Checks { get; init; } = [];

    /// <summary>
    /// Images that the candidates of these widths were measured forward on; null for all of <see cref="ImageCount"/>.
    /// Range: [1, images).
    /// </summary>
    public int? ForwardImages { get; init; }

    /// <summary>Number of candidates.</summary>
    public int CandidateCount => Eigenvalues.Length;

    /// <summary>Share of the spectrum (sum of absolute eigenvalues) that is negative. Range: [0, 1].</summary>
    public double NegativeSpectralMass
    {
        get
        {
            double all = Eigenvalues.Sum(Math.Abs);
            return all == 0 ? 0 : Eigenvalues.Where(e => e < 0).Sum(e => -e) / all;
        }
    }

    /// <summary>
    /// How much of an entry is no noise: <c>max(0, 1 − (standard error / entry)²)</c>. That is the positive-part shrinkage of James and
    /// Stein (1961), entry by entry. Range: [0, 1].
    /// </summary>
    /// <param name="entry">Index into <see cref="Raw"/>.</param>
    internal double Reliability(int entry) => Raw[entry] == 0 ? 0 : Math.Max(0, 1 - Math.Pow(StandardErrors[entry] / Raw[entry], 2));

    /// <summary>The matrix as measured with every cross term multiplied by a share.</summary>
    /// <param name="share">Share of an entry by its index into <see cref="Raw"/>; must be symmetric.</param>
    /// <returns>Shape: [candidates, candidates], row-major.</returns>
    internal double[] WithCrossTerms(Func<int, double> share)
    {
        ArgumentNullException.ThrowIfNull(share);
        return [.. Raw.Select((value, entry) => entry % (CandidateCount + 1) == 0 || value == 0 ? value : value * share(entry))];
    }

    /// <summary>
    /// Loss increase of one candidate alone, as measured: half the diagonal. In the unit of the loss: nats for kl and ce, else none.
    /// Negative values are noise, or a gain where the loss is cross-entropy.
    /// </summary>
    /// <param name="candidate">Row of the candidate. Range: [0, candidates).</param>
    public double LossIncrease(int candidate) => Raw[(candidate * CandidateCount) + candidate] / 2;
}
