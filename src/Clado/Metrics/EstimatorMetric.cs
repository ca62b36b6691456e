using Clado.Sensitivity;

namespace Clado.Metrics;

/// <summary>One of Clado's own estimators as a metric: the matrix it measures on the float network (docs/method.md).</summary>
/// <param name="entry">The estimator.</param>
internal sealed class EstimatorMetric(EstimatorEntry entry) : IMetric
{
    private const string Diagonal = "diagonal", Additive = "additive";

    public string Name => entry.Name;

    public string Description => entry.Description;

    public string Source =>
        entry.HoldsBack ? "Clado: docs/method.md, \"Operating point\"" : "CLADO, arXiv 2307.05657, eq. 9–12; docs/method.md";

    public MetricNeeds Needs =>
        MetricNeeds.Images | (!entry.HoldsBack && entry.Estimator.GoesBack ? MetricNeeds.Gradients : MetricNeeds.None);

    /// <summary>Whether its choices are searched for on the network, with the matrix that the run has.</summary>
    public bool IsSearched => entry.HoldsBack;

    /// <summary>The estimator that measures: one whose pairs cost no passes gives what single candidates lose, too.</summary>
    private string Measured => Name == Diagonal ? Additive : Name;

    public double ExpectedPasses(MetricContext context) => IsSearched ? 0 : context.PassesOf(Measured);

    public MetricScores Measure(MetricContext context)
    {
        var matrix = context.Estimate(Measured);
        return MetricScores.OfMatrix(Name == Diagonal ? Surrogate.Diagonal(matrix).Matrix : matrix.Projected);
    }
}
