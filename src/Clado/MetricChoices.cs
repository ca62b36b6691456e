using System.Diagnostics;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Metrics;
using Clado.Records;
using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado;

/// <summary>
/// Measures metrics and solves for their choices. Scores and choices are records of the run: what is there is not done again.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="options">What is compared.</param>
/// <param name="records">Finished units: read and added to.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; what is finished is kept.</param>
internal sealed class MetricChoices(
    MeasuredRun run, ComparisonOptions options, IRecordStore records, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    // Passes over the run's images that a metric may take which nobody asked for by name.
    private const double MostPasses = 150;

    private readonly string loss = run.Sensitivity.Loss;

    /// <summary>
    /// Why a metric cannot work on this run, in a sentence without its end; null where nothing is known to be in its way.
    /// </summary>
    /// <param name="metric">The metric.</param>
    public string? Problem(IMetric metric)
    {
        var context = Context(null);
        if (metric is EstimatorMetric { IsSearched: true })
        {
            return run.IsSearched ? null : $"the run was measured with {Settings.Estimator} {run.Estimator}, not with {metric.Name}";
        }
        if (metric.Needs.HasFlag(MetricNeeds.Labels) && !context.HasLabels)
        {
            return "it wants images with labels, and a network that gives one class";
        }
        if (metric.Needs.HasFlag(MetricNeeds.Gradients) && Estimators.NoGradients(context.Cuts) is { } reason)
        {
            return $"it wants gradients: {reason}";
        }
        double passes = options.IsNamed(metric) ? 0 : metric.ExpectedPasses(context);
        return passes <= MostPasses ? null
            : Invariant($"it would take about {passes:N0} passes over the images; ")
                + $"name it in {Settings.ComparedMetrics} to have it measured";
    }

    /// <summary>What a metric is expected to cost, in full passes over the run's images.</summary>
    /// <param name="metric">The metric, which has no problem.</param>
    public double ExpectedPasses(IMetric metric) => metric.ExpectedPasses(Context(null));

    /// <summary>Measures a metric.</summary>
    /// <param name="metric">The metric.</param>
    /// <returns>What it took, and its scores; null of one whose choices are searched for on the network.</returns>
    /// <exception cref="CladoException">It cannot work on this network.</exception>
    public (ComparedMetric Metric, MetricScores? Scores) Measure(IMetric metric)
    {
        var compared = new ComparedMetric(metric.Name, metric.Description, metric.Source);
        if (metric is EstimatorMetric { IsSearched: true })
        {
            var (passes, seconds) = run.MeasuringTook(records);
            return (compared with { Passes = passes, Seconds = seconds }, null);
        }
        var context = Context(StageNames.Metric(metric.Name));
        MetricScores? scores = null;
        int n = context.Candidates.Count;
        double[] found = records.GetOrAdd<double>($"metric/{metric.Name}/{loss}/scores", () =>
        {
            var clock = Stopwatch.StartNew();
            scores = metric.Measure(context).Checked(metric.Name, n);
            return [context.Passes, clock.Elapsed.TotalSeconds + context.SecondsGiven, .. scores.Matrix ?? []];
        });
        // Orders cost nothing, and are made again.
        scores ??= found.Length > 2 ? MetricScores.OfMatrix(found[2..]).Checked(metric.Name, n) : metric.Measure(context);
        context.Report(1);
        return (compared with { Passes = found[0], Seconds = found[1] }, scores);
    }

    /// <summary>The choices of a metric for a budget: one, or of several orders as many.</summary>
    /// <param name="metric">Name of the metric.</param>
    /// <param name="scores">Its scores; null to search on the network.</param>
    /// <param name="budget">The budget, which some choice keeps.</param>
    /// <returns>Rows of each choice's candidates, how far the first is from the least score, and what choosing took.</returns>
    public ChosenRows Choose(string metric, MetricScores? scores, string budget)
    {
        if (scores?.Matrix is null && scores is not null)
        {
            return new([.. scores.Orders.Select(order => Raised(order, budget))], null, 0, 0);
        }
        string rounds = scores is null && options.Rounds is { } count ? $"/rounds{count}" : "";
        int layers = run.Layers.Count;
        double[] found = records.GetOrAdd<double>($"metric/{metric}/{loss}/choice/{run.WrittenAs}/{budget}{rounds}", () =>
        {
            var clock = Stopwatch.StartNew();
            var result = scores is null
                ? run.Choose(budget, null, options.Rounds, progress, cancellation)
                : run.Solve(new Surrogate { Name = metric, Matrix = Scaled(scores.Matrix!) }, budget, cancellation);
            double gap = scores is null || !double.IsFinite(result.Gap) ? -1 : result.Gap;
            double passes = scores is null ? run.SearchingTook(result) : 0;
            return [gap, passes, clock.Elapsed.TotalSeconds, .. run.Rows.RowsOf(result.Chosen).Select(row => (double)row)];
        }, layers + 3);
        return new([[.. found.Skip(3).Select(row => (int)row)]], found[0] < 0 ? null : found[0], found[1], found[2]);
    }

    /// <summary>
    /// The choice that an order of steps leads to: all layers begin at their narrowest width, and every step that fits is taken.
    /// </summary>
    /// <param name="order">Positions of the layers that get their next width. Shape: [steps].</param>
    /// <param name="budget">The budget.</param>
    /// <returns>Rows of the candidates. Shape: [layers].</returns>
    private int[] Raised(int[] order, string budget)
    {
        var (rows, limit) = (run.Rows, Budget.Parse(budget, run.Graph.FileSizeBytes));
        int[][] own = [.. Enumerable.Range(0, rows.Items.Count).GroupBy(row => rows.LayerOf[row]).Select(layer => layer.ToArray())];
        int[] widths = new int[own.Length];
        foreach (int layer in order.Where(layer => widths[layer] + 1 < own[layer].Length))
        {
            widths[layer]++;
            Candidate[] chosen = [.. widths.Select((width, i) => rows.Items[own[i][width]])];
            if (!Keeps(limit, chosen))
            {
                widths[layer]--;
            }
        }
        return [.. widths.Select((width, i) => own[i][width])];
    }

    private bool Keeps(Budget budget, Candidate[] chosen) =>
        (budget.FileBytes is not { } bytes || run.FileSize.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)) <= bytes)
        && (budget.BitsPerWeight is not { } bits
            || chosen.Sum(c => c.Bits * c.Layer.Parameters) <= Math.Floor(bits * chosen.Sum(c => c.Layer.Parameters)));

    /// <summary>At the size of losses: scores of any unit are solved alike.</summary>
    private static double[] Scaled(double[] matrix)
    {
        double most = matrix.Max(Math.Abs);
        return most > 0 ? [.. matrix.Select(value => value / most)] : matrix;
    }

    private MetricContext Context(string? stage) => new(run.ToMeasure(stage, progress, cancellation), run.MeasuredBy, records);
}

/// <summary>Choices of a metric for a budget.</summary>
/// <param name="Rows">Rows of each choice's candidates. Shape: [choices][layers].</param>
/// <param name="Gap">How far the score may be from the least; null where nothing was minimised.</param>
/// <param name="Passes">Full passes over the run's images that choosing took.</param>
/// <param name="Seconds">Seconds that took.</param>
internal sealed record ChosenRows(IReadOnlyList<int[]> Rows, double? Gap, double Passes, double Seconds);
