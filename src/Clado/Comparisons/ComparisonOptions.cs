using Clado.Images;
using Clado.Metrics;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado.Comparisons;

/// <summary>Which metrics are compared, at which budgets, and on which images.</summary>
public sealed record ComparisonOptions
{
    // A round costs as much as a dozen metrics that look at every image once.
    private const int UsualRounds = 1;

    /// <summary>What stands for all of <see cref="KnownMetrics"/>.</summary>
    public const string All = "all";

    /// <summary>Names of the metrics that are there: Clado's own estimators, those of papers, and baselines. Shape: [metrics].</summary>
    public static IReadOnlyList<string> KnownMetrics { get; } = [.. MetricRegistry.All.Select(metric => metric.Name)];

    /// <summary>What each of <see cref="KnownMetrics"/> does, in a few words. Shape: [metrics].</summary>
    public static IReadOnlyList<string> MetricDescriptions { get; } = [.. MetricRegistry.All.Select(metric => metric.Description)];

    /// <summary>Budgets, as <see cref="Allocation.Budget.Parse"/> reads them, one at least. Shape: [budgets].</summary>
    /// <exception cref="CladoException">There is none.</exception>
    public required IReadOnlyList<string> Budgets
    {
        get;
        init => field = value.Count > 0 && value.All(budget => budget.Length > 0)
            ? [.. value.Distinct()]
            : throw new CladoException($"{Settings.ComparedBudgets}: budgets with commas between are wanted, such as 2.5bit,3bit,4bit");
    }

    /// <summary>
    /// Names among <see cref="KnownMetrics"/>, or <see cref="All"/>: of these, what would take more than 150 passes over the images is left
    /// out, which is said. Shape: [metrics].
    /// </summary>
    /// <exception cref="CladoException">There is no metric of a name.</exception>
    public IReadOnlyList<string> Metrics
    {
        get;
        init => field = value.FirstOrDefault(name => name != All && !MetricRegistry.Has(name)) is { } unknown
            ? throw new CladoException(
                $"{Settings.ComparedMetrics} {unknown}: there is no such metric; those there are: {All}, {string.Join(", ", KnownMetrics)}")
            : [.. value];
    } = [All];

    /// <summary>Metrics of the caller's own, which are compared beside. Their scores are kept by name. Shape: [metrics].</summary>
    /// <exception cref="CladoException">One has the name of a metric that is there, or two have the same.</exception>
    public IReadOnlyList<IMetric> OwnMetrics
    {
        get;
        init => field = value.Select(metric => metric.Name).Concat(KnownMetrics).CountBy(name => name)
            .FirstOrDefault(own => own.Value > 1).Key is { } twice
            ? throw new CladoException($"two metrics are called {twice}; give one another name")
            : [.. value];
    } = [];

    /// <summary>Folder of the images to evaluate on; null for the images of the run.</summary>
    public string? Images { get; init; }

    /// <summary>Images of that folder to use at most; null for all. Range: [1, inf).</summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int? Limit
    {
        get;
        init => field = ImageSet.CheckedLimit(value);
    }

    /// <summary>Seed of the choice of images, where <see cref="Limit"/> leaves some out.</summary>
    public int Seed { get; init; }

    /// <summary>What is added to the class indices of that folder's images; null for what the run adds to those of its own.</summary>
    public int? LabelOffset { get; init; }

    /// <summary>
    /// Rounds of measuring around the choices of auto at most; null for 1: <see cref="MeasuredRun.Allocate"/> takes up to 4, each at the
    /// cost of several other metrics. Range: [0, inf).
    /// </summary>
    /// <exception cref="CladoException">It is out of its range.</exception>
    public int? Rounds
    {
        get;
        init => field = value is null or >= 0
            ? value
            : throw new CladoException(Invariant($"{Settings.Rounds} {value}: 0 or more are wanted"));
    }

    /// <summary>What is done with codes, scales and biases of every choice before it is evaluated.</summary>
    public TuningMethod Tune { get; init; }

    /// <summary>Rounds that are taken at most.</summary>
    internal int MostRounds => Rounds ?? UsualRounds;

    /// <summary>The metrics, in their order.</summary>
    internal IReadOnlyList<IMetric> Chosen => [.. MetricRegistry.All.Where(m => Metrics.Contains(All) || IsNamed(m)), .. OwnMetrics];

    /// <summary>Whether a metric was asked for by itself.</summary>
    internal bool IsNamed(IMetric metric) => Metrics.Contains(metric.Name) || OwnMetrics.Contains(metric);
}
