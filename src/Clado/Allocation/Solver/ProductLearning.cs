namespace Clado.Allocation.Solver;

/// <summary>
/// Which products of candidates of different layers a node's relaxation knows to be at least 0. Each makes the bound better and a step
/// slower, so they are learned round by round, as long as the bound rises enough.
/// </summary>
/// <param name="pairs">Pairs known from the node before; null where products did not pay at the root. Shape: [pairs].</param>
internal sealed class ProductLearning(IReadOnlyList<(int A, int B)>? pairs)
{
    /// <summary>
    /// A relaxation ends when it can no longer close more than one part in five of the way to the cutoff: what it rules out and where it
    /// splits changes little after that. Measured, 0.02 costs twice the time.
    /// </summary>
    public const double RelaxationTolerance = 0.8;

    // Whether products pay is a comparison of two bounds, and wants both near their best.
    private const double ComparedTolerance = 0.05;

    // The first round at the root must close this share of the way to the cutoff, or no node knows products. Measured, it pays for
    // indefinite matrices, where it closes nearly all. For semidefinite ones it closes a fifth to a half and costs more than it brings.
    private const double PayingShare = 0.75;

    // Another round must close this share, or splitting pays more.
    private const double ClosingShare = 0.3;

    // Products a node knows at most for each coordinate: the cost of a step grows with the cube of their number.
    private const int PairsPerCoordinate = 10;

    private bool isDecided = pairs is null || pairs.Count > 0;
    private double before = double.NegativeInfinity;

    /// <summary>Pairs of candidates whose product is known; null where products do not pay. Shape: [pairs].</summary>
    public IReadOnlyList<(int A, int B)>? Pairs { get; private set; } = pairs;

    /// <summary>Whether products pay, or that is still to be found out.</summary>
    public bool AreUsed => Pairs is not null;

    /// <summary>How near to its best the next relaxation must come. Range: (0, 1).</summary>
    public double Tolerance => isDecided ? RelaxationTolerance : ComparedTolerance;

    /// <summary>Forgets the bound before: what comes next is another problem.</summary>
    public void BeginAnew() => before = double.NegativeInfinity;

    /// <summary>Begins anew with the products that matter; whether they pay is asked anew where that was not decided yet.</summary>
    /// <param name="mattering">Pairs of products that matter to the bound. Shape: [pairs].</param>
    public void Restart(IReadOnlyList<(int A, int B)>? mattering)
    {
        Pairs = isDecided ? mattering : [];
        BeginAnew();
    }

    /// <summary>Keeps the products that matter, decides whether they pay, and adds those that the relaxation breaks.</summary>
    /// <param name="relaxed">The relaxation with the products known so far.</param>
    /// <param name="mattering">Pairs of products that matter to its bound. Shape: [pairs].</param>
    /// <param name="cutoff">The objective that the bound is to reach.</param>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    /// <returns>Whether there are new ones, which make another relaxation worth its time.</returns>
    public bool TryLearn(RelaxedNode relaxed, (int A, int B)[]? mattering, double cutoff, bool[] allowed)
    {
        bool isFirst = double.IsNegativeInfinity(before);
        double closedShare = isFirst ? 1 : (relaxed.Bound - before) / (cutoff - before);
        if (!isDecided && !isFirst)
        {
            (mattering, isDecided) = (closedShare < PayingShare ? null : mattering, true);
        }
        bool isEnough = mattering is null || closedShare < ClosingShare || mattering.Length > PairsPerCoordinate * relaxed.Order;
        var broken = isEnough ? [] : relaxed.Broken(allowed);
        Pairs = broken.Count > 0 ? [.. mattering!, .. broken] : mattering;
        before = broken.Count > 0 ? relaxed.Bound : before;
        return broken.Count > 0;
    }
}
