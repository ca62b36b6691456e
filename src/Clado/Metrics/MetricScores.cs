using static System.FormattableString;

namespace Clado.Metrics;

/// <summary>
/// What a metric found, in the order of <see cref="MetricContext.Candidates"/>: what candidates cost alone, or alone and in pairs, or in
/// which order widths are raised. The unit does not matter, only what is more than what.
/// </summary>
public sealed record MetricScores
{
    private MetricScores()
    {
    }

    /// <summary>
    /// A matrix to minimise, twice the score of each candidate on its diagonal; null where widths are raised in an order.
    /// Shape: [candidates, candidates], row-major.
    /// </summary>
    internal double[]? Matrix { get; private init; }

    /// <summary>
    /// Orders in which layers get their next width, as positions of layers; a step that does not fit the budget is left out. One choice an
    /// order. Shape: [orders][steps].
    /// </summary>
    internal IReadOnlyList<int[]> Orders { get; private init; } = [];

    /// <summary>Scores of single candidates; of a choice their sum is minimised.</summary>
    /// <param name="scores">The less the better; finite. Shape: [candidates].</param>
    public static MetricScores Of(IReadOnlyList<double> scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var matrix = new double[scores.Count * scores.Count];
        foreach (var (row, score) in scores.Index())
        {
            matrix[row * (scores.Count + 1)] = 2 * score;
        }
        return OfMatrix(matrix);
    }

    /// <summary>Scores of candidates and pairs; of a one-hot choice x, <c>xᵀ G x</c> is minimised.</summary>
    /// <param name="matrix">G, symmetric and finite. Shape: [candidates, candidates], row-major.</param>
    public static MetricScores OfMatrix(double[] matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new() { Matrix = matrix };
    }

    /// <summary>Choices that follow from orders of steps instead of scores: all layers begin at their narrowest width.</summary>
    /// <param name="orders">
    /// Positions of the layers that get their next width, one a step; a step that does not fit the budget is left out. Of several orders
    /// the median choice counts. Shape: [orders][steps].
    /// </param>
    internal static MetricScores OfOrders(IReadOnlyList<int[]> orders) => new() { Orders = orders };

    /// <summary>Checks that they are those of so many candidates.</summary>
    /// <param name="name">Name of the metric.</param>
    /// <param name="candidates">Number of candidates.</param>
    /// <exception cref="CladoException">They are not, or some are no numbers.</exception>
    internal MetricScores Checked(string name, int candidates)
    {
        if (Matrix is { } matrix && matrix.Length != candidates * candidates)
        {
            throw new CladoException(
                Invariant($"metric {name}: scores of {Math.Sqrt(matrix.Length):0} candidates, where there are {candidates}"));
        }
        return Matrix?.All(double.IsFinite) is false
            ? throw new CladoException($"metric {name}: a score is NaN or infinite")
            : this;
    }
}
