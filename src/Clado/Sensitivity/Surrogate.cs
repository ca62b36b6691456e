namespace Clado.Sensitivity;

/// <summary>
/// A quadratic model of the loss around an operating point: for a one-hot choice x the predicted loss increase over the float network is
/// <c>OperatingLoss + ½ xᵀ G x</c>. What an allocation minimises.
/// </summary>
internal sealed record Surrogate
{
    // Shares of the cross terms that are tried, in rising order: a larger share has to show that it is worth its noise.
    // No single one serves all networks and budgets (docs/decisions/2026-11-23-operating-point.md).
    private static readonly (string Name, double Share)[] Shares = [("/4", 0.25), ("/2", 0.5), ("", 1)];

    /// <summary>Name: the estimator, the share of its cross terms that is kept, and what else tells it from others.</summary>
    public required string Name { get; init; }

    /// <summary>G, symmetric. Shape: [candidates, candidates], row-major.</summary>
    public required double[] Matrix { get; init; }

    /// <summary>Row of each layer's candidate at the operating point; empty for the float network. Shape: [layers].</summary>
    public IReadOnlyList<int> OperatingPoint { get; init; } = [];

    /// <summary>Loss increase of the operating point over the float network, as measured.</summary>
    public double OperatingLoss { get; init; }

    /// <summary>Layers that may leave the operating point at most; null where all may. Range: [1, inf).</summary>
    public int? Radius { get; init; }

    /// <summary>Whether only candidates are chosen whose layers have one width.</summary>
    public bool IsOfLayers { get; init; }

    /// <summary>Predicted loss increase of a choice over the float network.</summary>
    /// <param name="rows">Row of each layer's candidate. Shape: [layers].</param>
    public double Loss(IReadOnlyList<int> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        int n = (int)Math.Sqrt(Matrix.Length);
        return OperatingLoss + (rows.Sum(i => rows.Sum(j => Matrix[(i * n) + j])) / 2);
    }

    /// <summary>The estimator's own: the projected matrix as it is.</summary>
    /// <param name="matrix">Sensitivities of the float network.</param>
    public static Surrogate Of(SensitivityMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new() { Name = matrix.Estimator, Matrix = matrix.Projected };
    }

    /// <summary>That of layers measured one at a time: no cross terms.</summary>
    /// <param name="matrix">Sensitivities of the float network.</param>
    public static Surrogate Diagonal(SensitivityMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new() { Name = "diagonal", Matrix = matrix.WithCrossTerms(_ => 0) };
    }

    /// <summary>
    /// Those worth trying for the float network: no cross terms, shares of them, and all of them shrunk by their standard errors.
    /// All are projected, relative to their diagonal.
    /// </summary>
    /// <param name="matrix">Sensitivities of the float network.</param>
    /// <param name="mixesRows">
    /// Whether rows may have widths of their own. What they gain has to show against a choice without: it comes first.
    /// </param>
    /// <returns>Shape: [surrogates].</returns>
    public static IReadOnlyList<Surrogate> Portfolio(SensitivityMatrix matrix, bool mixesRows = false)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int n = matrix.CandidateCount;
        Surrogate Projected(string name, Func<int, double> share) => new()
        {
            Name = matrix.Estimator + name,
            Matrix = SpectralProjection.ProjectRelative(matrix.WithCrossTerms(share), n),
        };
        return
        [
            .. mixesRows ? (Surrogate[])[Diagonal(matrix) with { Name = "diagonal, layers", IsOfLayers = true }] : [],
            Diagonal(matrix),
            .. Shares.Select(share => Projected(share.Name, _ => share.Share)),
            Projected(", shrunk", matrix.Reliability),
        ];
    }

    /// <summary>
    /// Those worth trying around an operating point. Single losses may be gains there, so the linear part alone makes the matrix
    /// indefinite, and nothing is projected.
    /// </summary>
    /// <param name="matrix">Sensitivities around the point.</param>
    /// <param name="operatingPoint">Row of each layer's candidate. Shape: [layers].</param>
    /// <param name="operatingLoss">Its loss increase over the float network, measured on the same images.</param>
    /// <param name="radius">Layers that may leave it, or null for all.</param>
    public static IReadOnlyList<Surrogate> Around(
        SensitivityMatrix matrix, IReadOnlyList<int> operatingPoint, double operatingLoss, int? radius)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        var reach = radius is null ? "" : radius == 1 ? ", 1 layer" : $", {radius} layers";
        Surrogate Of(string name, double share) => new()
        {
            Name = name + reach,
            Matrix = matrix.WithCrossTerms(_ => share),
            OperatingPoint = operatingPoint,
            OperatingLoss = operatingLoss,
            Radius = radius,
        };
        return [Of("diagonal", 0), .. Shares.Select(share => Of(matrix.Estimator + share.Name, share.Share))];
    }
}
