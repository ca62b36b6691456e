using Clado.Allocation;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Images;
using Clado.Metrics;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado;

/// <summary>
/// Compares metrics: measures each, solves for its choice at every budget, and evaluates what would be written of it. What is finished lies
/// in the run folder, and is not done again.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="options">What is compared.</param>
/// <param name="images">Images to evaluate on.</param>
/// <param name="records">Finished units: read and added to.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; what is finished is kept.</param>
internal sealed class ComparisonMeasurement(
    MeasuredRun run, ComparisonOptions options, ImageSet images, IRecordStore records, Job? progress, CancellationToken cancellation)
{
    // Networks that are evaluated between two records: what a stop loses at most.
    private const int MostTogether = 8;

    private readonly MetricChoices choices = new(run, options, records, progress, cancellation);

    /// <summary>What it is expected to cost.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">What is compared.</param>
    /// <param name="images">Images to evaluate on.</param>
    /// <param name="records">Finished units.</param>
    public static IReadOnlyList<JobStage> Stages(MeasuredRun run, ComparisonOptions options, ImageSet images, IRecordStore records)
    {
        var choices = new MetricChoices(run, options, records, null, default);
        var able = options.Chosen.Where(metric => choices.Problem(metric) is null).ToArray();
        bool searches = able.Any(metric => metric is EstimatorMetric { IsSearched: true });
        int several = able.Any(metric => metric is RandomMetric) ? RandomMetric.Draws - 1 : 0;
        double networks = options.Budgets.Count * (able.Length + several);
        return
        [
            .. able.Where(metric => metric is not EstimatorMetric { IsSearched: true }).Select(metric =>
                Stage(StageNames.Metric(metric.Name), choices.ExpectedPasses(metric))),
            .. options.Budgets.SelectMany(_ => searches ? run.Searching(options.Rounds) : [])
                .Select(stage => stage with { Part = JobPart.Comparison }),
            Stage(StageNames.EvaluatingChoices, networks * images.Items.Count / run.ImageCount),
        ];

        static JobStage Stage(string name, double passes) => new(name, StageKind.Running, passes) { Part = JobPart.Comparison };
    }

    /// <summary>Compares.</summary>
    /// <returns>The comparison, and the budgets that no choice keeps.</returns>
    public (Comparison Comparison, IReadOnlyList<AllocationResult> Infeasible) Run()
    {
        var tried = options.Budgets.Select(run.Smallest).ToLookup(result => result.Chosen.Count > 0);
        string[] budgets = [.. tried[true].Select(result => result.Budget.Text)];
        var (metrics, chosen) = (new List<ComparedMetric>(), new List<(string Metric, string Budget, ChosenRows Rows)>());
        foreach (var metric in options.Chosen)
        {
            metrics.Add(Choose(metric, budgets, chosen));
        }
        var evaluated = Evaluate([.. chosen.SelectMany(own => own.Rows.Rows)]);
        MetricOutcome[] outcomes = [.. chosen.Select(own => new MetricOutcome(
            own.Metric, own.Budget, [.. own.Rows.Rows.Select(BitsOf)], [.. own.Rows.Rows.Select(rows => evaluated[KeyOf(rows)])],
            own.Rows.Gap))];
        var rows = ComparisonTable.Rows(outcomes, metrics);
        return (new Comparison
        {
            ImagesPath = Path.GetFullPath(images.Folder),
            Images = images.Items.Count,
            ImagesSha256 = images.Sha256,
            Activations = run.WrittenAs,
            Loss = run.Sensitivity.Loss,
            FloatTop1 = Find(FloatKey)?.Top1,
            Layers = [.. run.Layers.Select(layer => layer.Name)],
            Budgets = budgets,
            Metrics = ComparisonTable.Ranked(metrics, rows),
            Rows = rows,
        }, [.. tried[false]]);
    }

    /// <summary>Measures a metric and chooses for all budgets; one that cannot work says why, and the others go on.</summary>
    private ComparedMetric Choose(IMetric metric, string[] budgets, List<(string Metric, string Budget, ChosenRows Rows)> chosen)
    {
        var failed = new ComparedMetric(metric.Name, metric.Description, metric.Source);
        if (choices.Problem(metric) is { } problem)
        {
            return failed with { Problem = problem };
        }
        try
        {
            var (compared, scores) = choices.Measure(metric);
            var own = budgets.Select(budget => (metric.Name, budget, choices.Choose(metric.Name, scores, budget))).ToArray();
            chosen.AddRange(own);
            return compared with
            {
                Passes = compared.Passes + own.Sum(choice => choice.Item3.Passes),
                Seconds = compared.Seconds + own.Sum(choice => choice.Item3.Seconds * (scores is null ? 1 : 0)),
            };
        }
        catch (CladoException e)
        {
            return failed with { Problem = e.Message };
        }
    }

    /// <summary>What choices lose, by their keys; those of the same bits are run once.</summary>
    private Dictionary<string, EvaluatedChoice> Evaluate(IReadOnlyList<int[]> all)
    {
        var distinct = all.DistinctBy(KeyOf).ToArray();
        var found = distinct.ToDictionary(KeyOf, rows => Find(KeyOf(rows)));
        int[][] missing = [.. distinct.Where(rows => found[KeyOf(rows)] is null)];
        var share = StageShare.Begin(progress, StageNames.EvaluatingChoices);
        int done = 0, together = Math.Min(MostTogether, MemoryPlan.OfWhole(run.Graph, run.Resources.MemoryBytes, Provider.Cpu).Networks);
        foreach (var group in missing.Chunk(together))
        {
            double whole = missing.Length;
            var part = share is null ? null : new PartOfProgress(share, done / whole, group.Length / whole);
            foreach (var (rows, own) in group.Zip(Evaluate(group, part)))
            {
                found[KeyOf(rows)] = own;
            }
            done += group.Length;
        }
        share?.Report(1);
        return found.ToDictionary(own => own.Key, own => own.Value!);
    }

    private EvaluatedChoice[] Evaluate(int[][] group, PartOfProgress? part)
    {
        var stages = new DeployingStages(run, null, cancellation);
        WrittenModel[] written = [.. group.Select((rows, i) =>
        {
            var sound = stages.Sound(
                [.. rows.Select(row => run.Rows.Items[row])], $"the file of the bits {string.Join(' ', BitsOf(rows).Bits)}");
            part?.Report(0.5 * (i + 1) / group.Length);
            return sound;
        })];
        var work = run.On(images, null, null, cancellation) with { Progress = part is null ? null : new PartOfProgress(part, 0.5, 0.5) };
        var results = ModelComparison.Evaluate(run.Graph, [.. written.Select(w => w.Model)], run.Sensitivity.Loss, run.Scales, work);
        Keep(FloatKey, EvaluatedChoice.Of(results[0]));
        return [.. group.Zip(results.Skip(1), (rows, result) => Keep(KeyOf(rows), EvaluatedChoice.Of(result)))];
    }

    private ChosenBits BitsOf(int[] rows)
    {
        Candidate[] chosen = [.. rows.Select(row => run.Rows.Items[row])];
        return new([.. chosen.Select(c => c.Bits)],
            (double)chosen.Sum(c => c.Bits * c.Layer.Parameters) / chosen.Sum(c => c.Layer.Parameters));
    }

    private string FloatKey => $"evaluated/{images.Sha256}/float";

    private string KeyOf(int[] rows) => $"evaluated/{images.Sha256}/{run.WrittenAs}/{MeasurementInputs.KeyOf(rows)}";

    private EvaluatedChoice? Find(string key) =>
        records.Find<double>(key, EvaluatedChoice.CountOf(images.Items.Count)) is { } values ? EvaluatedChoice.FromValues(values) : null;

    private EvaluatedChoice Keep(string key, EvaluatedChoice choice)
    {
        records.GetOrAdd<double>(key, choice.ToValues);
        return choice;
    }
}
