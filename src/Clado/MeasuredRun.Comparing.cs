using Clado.Allocation;
using Clado.Comparisons;
using Clado.Graphs;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado;

/// <content>Metrics compared on the network.</content>
public sealed partial class MeasuredRun
{
    private const string TookKey = "took/measuring";

    /// <summary>
    /// Compares metrics: each is measured on the run's candidates and images, solved for its choice at every budget, and what would be
    /// written of it is evaluated.
    /// </summary>
    /// <param name="comparison">Metrics, budgets and evaluation images.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <returns>The comparison, and the budgets that no choice keeps.</returns>
    /// <exception cref="CladoException">
    /// A budget or the images cannot be used; or rows have widths of their own, of which metrics of layers say nothing.
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
        using var records = OpenRecords();
        var job = Job.Of(progress, () => ComparisonMeasurement.Stages(this, comparison, images, records));
        var found = new ComparisonMeasurement(this, comparison, images, records, job, cancellation).Run();
        folder.WriteComparison(found.Comparison);
        job?.Finish(JobPart.Comparison);
        return found;
    }

    /// <summary>Whether choices are searched for on the network, with several surrogates.</summary>
    internal bool IsSearched => options.IsAutomatic;

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

    /// <summary>The stages of a search for one budget.</summary>
    /// <param name="rounds">Rounds at most; null for the default.</param>
    internal IReadOnlyList<JobStage> Searching(int? rounds) => Searching(MeasurementInputs(null, default), rounds ?? OwnRounds);

    /// <summary>What the run's own matrix took: full passes, and seconds where they were noted; else 0.</summary>
    /// <param name="records">Finished units.</param>
    internal (double Passes, double Seconds) MeasuringTook(IRecordStore records) => (
        Seen * Clado.Sensitivity.SampledForward.PassesOf(ToMeasure(null, null, default), options, isAround: false),
        records.Find<double>(TookKey, 1)?[0] ?? 0);

    /// <summary>What a search took: the passes of everything it tried, and of measuring around choices.</summary>
    /// <param name="result">What it found.</param>
    internal double SearchingTook(AllocationResult result)
    {
        double around = Clado.Sensitivity.SampledForward.PassesOf(ToMeasure(null, null, default), options, isAround: true);
        return (result.Trials.Select(trial => trial.Round).Distinct().Count(round => round > 0) * Seen * around)
            + result.Trials.Sum(trial => trial.MeasuredLoss is null ? 1 - Seen : 1);
    }

    /// <summary>Notes what measuring took, where it was not interrupted.</summary>
    /// <param name="records">Finished units.</param>
    /// <param name="time">The time.</param>
    internal static void NoteTime(IRecordStore records, TimeSpan time) => records.GetOrAdd<double>(TookKey, () => [time.TotalSeconds]);

    /// <summary>Share of the images that surrogates see.</summary>
    private double Seen => (double)options.Seen(images.Value).Items.Count / ImageCount;
}
