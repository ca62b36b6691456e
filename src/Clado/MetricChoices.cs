using System.Diagnostics;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Images;
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
    private readonly string loss = run.Sensitivity.Loss;

    /// <summary>Measures a metric.</summary>
    /// <param name="metric">The metric.</param>
    /// <returns>
    /// Its scores, null of one whose choices are searched for on the network; the passes that took, and seconds.
    /// </returns>
    /// <exception cref="CladoException">It cannot work on this network.</exception>
    public (MetricScores? Scores, PassLedger Passes, double Seconds) Measure(IMetric metric)
    {
        if (metric is EstimatorMetric { IsSearched: true })
        {
            var (passes, seconds) = run.MeasuringTook(records);
            return (null, passes, seconds);
        }
        var context = Context(StageNames.Metric(metric.Name));
        MetricScores? scores = null;
        int n = context.Candidates.Count;
        string key = $"metric/{metric.Name}/{loss}/measured";
        double[] found = records.GetOrAdd<double>(key, () =>
        {
            var clock = Stopwatch.StartNew();
            scores = metric.Measure(context).Checked(metric.Name, n);
            // First what it took: what is found of scores has that.
            records.GetOrAdd($"{key}/units", context.Units(metric.Name).ToBytes);
            return [clock.Elapsed.TotalSeconds + context.SecondsGiven, .. scores.Matrix ?? []];
        });
        // Orders cost nothing, and are made again.
        scores ??= found.Length > 1 ? MetricScores.OfMatrix(found[1..]).Checked(metric.Name, n) : metric.Measure(context);
        context.Report(1);
        return (scores, UnitsOf(key), found[0]);
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
            return new([.. scores.Orders.Select(order => Raised(order, budget))], null, new PassLedger(), 0);
        }
        string rounds = scores is null ? Invariant($"/rounds{options.MostRounds}") : "";
        int layers = run.Layers.Count;
        string key = $"metric/{metric}/{loss}/chosen/{run.WrittenAs}/{budget}{rounds}";
        double[] found = records.GetOrAdd<double>(key, () =>
        {
            var (clock, ledger) = (Stopwatch.StartNew(), new PassLedger());
            var result = scores is null
                ? run.Choose(budget, null, options.MostRounds, progress, cancellation, ledger)
                : run.Solve(new Surrogate { Name = metric, Matrix = Scaled(scores.Matrix!) }, budget, cancellation);
            double gap = scores is null || !double.IsFinite(result.Gap) ? -1 : result.Gap;
            records.GetOrAdd($"{key}/units", ledger.ToBytes);
            return [gap, clock.Elapsed.TotalSeconds, .. run.Rows.RowsOf(result.Chosen).Select(row => (double)row)];
        }, layers + 2);
        return new([[.. found.Skip(2).Select(row => (int)row)]], found[0] < 0 ? null : found[0], UnitsOf(key), found[1]);
    }

    private PassLedger UnitsOf(string key) =>
        records.Find<byte>($"{key}/units") is { } kept ? PassLedger.Of(kept) : new PassLedger();

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
/// <param name="Passes">What choosing took.</param>
/// <param name="Seconds">Seconds that took.</param>
internal sealed record ChosenRows(IReadOnlyList<int[]> Rows, double? Gap, PassLedger Passes, double Seconds);
