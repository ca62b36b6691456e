using Clado.Allocation;
using Clado.Candidates;
using Clado.Comparisons;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Images;
using Clado.Metrics;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tuning;

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

    // Of what a tuned choice takes, the part until it is tuned.
    private const double TuningShare = 0.9;

    // What all metrics took: what several need is there once.
    private readonly PassLedger all = new();

    private readonly MetricChoices choices = new(run, options, records, progress, cancellation);
    private readonly ComparisonPlan plan = run.ToCompare(options, records);

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
            Tune = options.Tune,
            Loss = run.Sensitivity.Loss,
            FloatTop1 = Find(FloatKey)?.Top1,
            Layers = [.. run.Layers.Select(layer => layer.Name)],
            Budgets = budgets,
            Passes = all.ImagePasses / run.ImageCount,
            Metrics = ComparisonTable.Ranked(metrics, rows),
            Rows = rows,
        }, [.. tried[false]]);
    }

    /// <summary>Measures a metric and chooses for all budgets; one that cannot work says why, and the others go on.</summary>
    private ComparedMetric Choose(IMetric metric, string[] budgets, List<(string Metric, string Budget, ChosenRows Rows)> chosen)
    {
        var failed = new ComparedMetric(metric.Name, metric.Description, metric.Source);
        if (plan.Problem(metric) is { } problem)
        {
            return failed with { Problem = problem };
        }
        try
        {
            var (scores, ledger, seconds) = choices.Measure(metric);
            var own = budgets.Select(budget => (metric.Name, budget, choices.Choose(metric.Name, scores, budget))).ToArray();
            chosen.AddRange(own);
            Array.ForEach(own, choice => ledger.Add(choice.Item3.Passes));
            all.Add(ledger);
            return failed with
            {
                Passes = ledger.ImagePasses / run.ImageCount,
                Seconds = seconds + own.Sum(choice => choice.Item3.Seconds * (scores is null ? 1 : 0)),
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
        var share = StageShare.Begin(progress, ComparisonPlan.StageOfChoices(options.Tune));
        int most = MemoryPlan.OfWhole(run.Graph, run.Resources.MemoryBytes, Provider.Cpu).Networks;
        // Tuning takes so long that each choice is kept.
        int done = 0, together = IsTuned ? 1 : Math.Min(MostTogether, most);
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
        double before = IsTuned ? TuningShare : 0.5;
        WrittenModel[] written = [.. group.Select((rows, i) =>
        {
            double start = before * i / group.Length, length = before / group.Length;
            var sound = stages.Sound(
                Chosen(rows, PartOfProgress.Of(part, start, length)),
                $"the file of the bits {string.Join(' ', BitsOf(rows).Bits)}");
            part?.Report(start + length);
            return sound;
        })];
        var work = run.On(images, null, null, cancellation) with { Progress = PartOfProgress.Of(part, before, 1 - before) };
        var results = ModelComparison.Evaluate(run.Float, [.. written.Select(w => w.Model)], run.Sensitivity.Loss, run.Scales, work);
        Keep(FloatKey, EvaluatedChoice.Of(results[0]));
        return [.. group.Zip(results.Skip(1), (rows, result) => Keep(KeyOf(rows), EvaluatedChoice.Of(result)))];
    }

    private string TuningName => options.Tune switch
    {
        TuningMethod.None => "",
        TuningMethod.Network => "tuned/",
        _ => $"tuned-{options.Tune}/".ToLowerInvariant(),
    };

    private bool IsTuned => options.Tune != TuningMethod.None;

    /// <summary>The candidates of a choice, tuned where that is asked for.</summary>
    private IReadOnlyList<Candidate> Chosen(int[] rows, PartOfProgress? part)
    {
        Candidate[] chosen = Candidates(rows);
        if (!IsTuned)
        {
            return chosen;
        }
        var tuning = part is null ? null : new StageOnly(StageNames.Tuning, part);
        var activations = new ActivationStages(run, null, cancellation).Find(chosen);
        return new TuningStages(run, tuning, cancellation).Tune(run.Given(chosen), activations, new(options.Tune)).Result.Chosen;
    }

    private Candidate[] Candidates(int[] rows) => [.. rows.Select(row => run.Rows.Items[row])];

    private ChosenBits BitsOf(int[] rows)
    {
        Candidate[] chosen = Candidates(rows);
        return new([.. chosen.Select(c => c.Bits)],
            (double)chosen.Sum(c => c.Bits * c.Layer.Parameters) / chosen.Sum(c => c.Layer.Parameters));
    }

    private string FloatKey => $"evaluated/{images.Sha256}/float";

    private string KeyOf(int[] rows) =>
        $"evaluated/{images.Sha256}/{run.WrittenAs}/{TuningName}{MeasurementInputs.KeyOf(rows)}";

    private EvaluatedChoice? Find(string key) =>
        records.Find<double>(key, EvaluatedChoice.CountOf(images.Items.Count)) is { } values ? EvaluatedChoice.FromValues(values) : null;

    private EvaluatedChoice Keep(string key, EvaluatedChoice choice)
    {
        records.GetOrAdd<double>(key, choice.ToValues);
        return choice;
    }

    /// <summary>Passes on how far one stage is, and nothing of others.</summary>
    private sealed class StageOnly(string stage, IProgress<double> target) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == stage && value.Share is { } share)
            {
                target.Report(share);
            }
        }
    }
}
