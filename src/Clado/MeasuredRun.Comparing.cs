using Clado.Allocation;
using Clado.Comparisons;
using Clado.Graphs;
using Clado.Images;
using Clado.Metrics;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado;

/// <content>Metrics compared on the network.</content>
public sealed partial class MeasuredRun
{
    private const string TookKey = "took/measuring", UnitsKey = "took/units";

    /// <summary>
    /// Compares metrics: each is measured on the run's candidates and images, solved for its choice at every budget, and what would be
    /// written of it is evaluated.
    /// </summary>
    /// <param name="comparison">Metrics, budgets and evaluation images.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <returns>The comparison, and the budgets that no choice keeps.</returns>
    /// <exception cref="CladoException">
    /// A budget or the images cannot be used; tuning wants more images, or gradients that the network does not have; or rows have widths of
    /// their own, of which metrics of layers say nothing.
    /// </exception>
    public (Comparison Comparison, IReadOnlyList<AllocationResult> Infeasible) Compare(
        ComparisonOptions comparison, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        if (folder.Description.MixesRows)
        {
            throw new CladoException($"metrics are of layers: compare them in a run without {Settings.Granularity} {RunDescription.Row}");
        }
        foreach (var budget in comparison.Budgets)
        {
            Budget.Parse(budget, Graph.FileSizeBytes);
        }
        var images = ImagesToEvaluate(comparison.Images, comparison.Limit, comparison.Seed, comparison.LabelOffset, progress);
        CheckTuning(comparison.Tune);
        using var records = OpenRecords();
        var job = Job.Of(
            progress, () => ToCompare(comparison, records).Stages(images.Items.Count, Plans.TuningOfAChoice(new(comparison.Tune))));
        var found = new ComparisonMeasurement(this, comparison, images, records, job, cancellation).Run();
        folder.WriteComparison(found.Comparison);
        job?.Finish(JobPart.Comparison);
        return found;
    }

    /// <summary>What a comparison can measure, and what that costs.</summary>
    /// <param name="comparison">What is compared.</param>
    /// <param name="records">Finished units.</param>
    internal ComparisonPlan ToCompare(ComparisonOptions comparison, IRecordStore records)
    {
        var inputs = ToMeasure(null, null, default) with { Forward = GradientChecks.Forward(Rows, Sensitivity.Checks, []) };
        return new(comparison, new MetricContext(inputs, options, records), folder.Description.RoundsOnImages);
    }

    /// <summary>Estimator and loss.</summary>
    internal SensitivityOptions MeasuredBy => options;

    /// <summary>Images of the run.</summary>
    internal int ImageCount => folder.Description.ImageCount;

    /// <summary>What losses are measured of: the network, its candidates and all images of the run.</summary>
    /// <param name="stage">Name of the stage; null where nothing is reported.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops.</param>
    internal MeasurementInputs ToMeasure(string? stage, IProgress<StageProgress>? progress, CancellationToken cancellation) =>
        new(measured.Network.Value, Rows, On(stage, progress, cancellation) with { Provider = folder.Description.MeasuredOn() })
        {
            Scales = Scales,
            BatchSize = folder.Description.BatchSize,
        };

    /// <summary>The choice of fewest bytes, where a budget allows one: what is infeasible for it is so for all.</summary>
    /// <param name="budget">The budget.</param>
    internal AllocationResult Smallest(string budget) => Solve(Surrogate.Diagonal(Sensitivity), budget);

    /// <summary>
    /// What the run's own matrix took: passes, and seconds where they were noted, else 0. An older run did not note what checks of
    /// gradients take: they are not in it.
    /// </summary>
    /// <param name="records">Finished units.</param>
    internal (PassLedger Passes, double Seconds) MeasuringTook(IRecordStore records)
    {
        var ledger = records.Find<byte>(UnitsKey) is { } kept ? PassLedger.Of(kept) : new PassLedger();
        if (ledger.ImagePasses == 0)
        {
            var inputs = ToMeasure(null, null, default) with { Forward = GradientChecks.Forward(Rows, Sensitivity.Checks, []) };
            ledger.Add(TookKey, options.Seen(images.Value).Items.Count * SampledForward.PassesOf(inputs, options, isAround: false));
        }
        return (ledger, records.Find<double>(TookKey, 1)?[0] ?? 0);
    }

    /// <summary>Notes what measuring took; the time is that of the last call where it was interrupted.</summary>
    /// <param name="records">Finished units.</param>
    /// <param name="time">The time.</param>
    /// <param name="ledger">The passes.</param>
    internal static void NoteCost(IRecordStore records, TimeSpan time, PassLedger ledger)
    {
        records.GetOrAdd<double>(TookKey, () => [time.TotalSeconds]);
        records.GetOrAdd(UnitsKey, ledger.ToBytes);
    }
}
