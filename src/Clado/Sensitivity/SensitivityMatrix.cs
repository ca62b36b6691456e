namespace Clado.Sensitivity;

/// <summary>
/// Cross-layer sensitivities <c>G</c>: for a one-hot choice x of candidates, <c>xᵀ G x</c> is twice the predicted loss increase
/// (arXiv 2307.05657, eq. 9–11).
/// </summary>
public sealed record SensitivityMatrix
{
    /// <summary>Name of the estimator that measured it.</summary>
    public required string Estimator { get; init; }

    /// <summary>Name of the loss: kl, ce or mse.</summary>
    public required string Loss { get; init; }

    /// <summary>Mean loss of the float network on the same images: nats (0 for kl and mse).</summary>
    public required double BaseLoss { get; init; }

    /// <summary>Images measured.</summary>
    public required int ImageCount { get; init; }

    /// <summary>As measured, symmetric. Shape: [candidates, candidates], row-major.</summary>
    public required double[] Raw { get; init; }

    /// <summary>The nearest positive semidefinite matrix: negative eigenvalues set to 0. Shape: [candidates, candidates], row-major.</summary>
    public required double[] Projected { get; init; }

    /// <summary>Eigenvalues of <see cref="Raw"/>, ascending. Shape: [candidates].</summary>
    public required double[] Eigenvalues { get; init; }

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

    /// <summary>Loss increase of one candidate alone, as measured: half the diagonal. Negative values are noise, or a gain where the loss is cross-entropy.</summary>
    /// <param name="candidate">Row of the candidate.</param>
    public double LossIncrease(int candidate) => Raw[(candidate * CandidateCount) + candidate] / 2;
}
