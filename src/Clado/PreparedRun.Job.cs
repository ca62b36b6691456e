using Clado.Activations;
using Clado.Comparisons;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Metrics;
using Clado.Records;
using Clado.Rounding;
using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado;

/// <content>Several calls as one job.</content>
public sealed partial class PreparedRun
{
    /// <summary>What its stages cost.</summary>
    internal JobPlans Plans => new(Space.Graph, unrounded, Images.Items.Count);

    /// <summary>What will be measured, as far as it is known before anything is.</summary>
    internal MeasurementInputs Unrounded => new(Space.Graph, unrounded, new Workload(Images, Options.Preprocessing))
    {
        Rows = Options.MeasuresRows,
        Forward = ChecksGradients ? GradientChecks.Likely(unrounded) : [],
    };

    /// <summary>Whether it is measured by gradients that are checked forward.</summary>
    internal bool ChecksGradients => Options.Sensitivity.IsAutomatic && Estimators.For(Options.Estimator, cuts) is FisherEstimator;

    /// <summary>
    /// One job of several calls: <see cref="Measure"/>, <see cref="MeasuredRun.Allocate"/> and <see cref="MeasuredRun.Deploy"/> with an
    /// evaluation, <see cref="MeasuredRun.MeasureBiases"/>, and where wanted <see cref="MeasuredRun.UniformAround"/>, given what this
    /// returns, tell how far all of them together are.
    /// </summary>
    /// <param name="progress">Is told of it.</param>
    /// <param name="rounds">Rounds at most that will be asked for; null for the default. Range: [0, inf).</param>
    /// <param name="refine">Whether the file will be refined.</param>
    /// <param name="tune">What it will be tuned by; null for nothing.</param>
    /// <param name="compares">Whether uniform networks will be measured beside the file.</param>
    public IProgress<StageProgress> WholeJob(
        IProgress<StageProgress> progress, int? rounds = null, bool refine = false, TuningOptions? tune = null,
        bool compares = true)
    {
        ArgumentNullException.ThrowIfNull(progress);
        return Announced(JobStages(rounds, new(refine, true, tune ?? TuningOptions.None), compares), progress);
    }

    /// <summary>
    /// The same of several files from one measurement: <see cref="Measure"/>, then calls of <see cref="MeasuredRun.Deploy"/> alone, then as
    /// many of <see cref="MeasuredRun.Allocate"/> and <see cref="MeasuredRun.Deploy"/>, neither evaluated, then stages of the caller's own.
    /// </summary>
    /// <param name="progress">Is told of it.</param>
    /// <param name="deployed">Files whose widths are given. Range: [0, inf).</param>
    /// <param name="chosen">Files whose widths are chosen. Range: [0, inf).</param>
    /// <param name="evaluations">
    /// Names of evaluations by <see cref="StageProgress.Of"/>, and images of each, which a reference runs on too. Shape: [evaluations].
    /// </param>
    public IProgress<StageProgress> SeveralFiles(
        IProgress<StageProgress> progress, int deployed, int chosen, params IEnumerable<(string Stage, int Images)> evaluations)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var (search, deploying) = (SearchStages(null), DeployingStages(new(false, false, TuningOptions.None)));
        return Announced(
            [
                .. Plans.Measuring(this, Unrounded),
                .. Enumerable.Range(0, deployed).SelectMany(call => deploying.Select(stage => stage with { Call = call })),
                .. Enumerable.Range(deployed, chosen).SelectMany(
                    call => search.Concat(deploying).Select(stage => stage with { Call = call })),
                .. evaluations.Select(own => new JobStage(own.Stage, StageKind.Running, 2.0 * own.Images / Images.Items.Count)
                {
                    Part = JobPart.Evaluating,
                }),
            ],
            progress);
    }

    /// <summary>
    /// One job of two calls: <see cref="Measure"/> and <see cref="MeasuredRun.Compare"/>, given what this returns, tell how far both of
    /// them are.
    /// </summary>
    /// <param name="progress">Is told of it.</param>
    /// <param name="comparison">What will be compared.</param>
    /// <exception cref="CladoException">The images to evaluate on cannot be used, or tuning not on this run.</exception>
    public IProgress<StageProgress> ComparisonJob(IProgress<StageProgress> progress, ComparisonOptions comparison)
    {
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(comparison);
        CheckTuning(comparison.Tune);
        var images = comparison.Images is { } path ? ImageFolder.Open(path).Limit(comparison.Limit, comparison.Seed) : Images;
        images = comparison.Images is null ? images
            : images.WithLabelOffset(comparison.LabelOffset ?? (images.IsLabelled ? Options.LabelOffset : 0));
        Readout.Of(Space.Graph).CheckLabels(images);
        var (inputs, isFitted) = (Unrounded, RoundingMethods.Named(Options.Rounding).NeedsInputs);
        using var nothing = new RecordStore();
        var plan = new ComparisonPlan(comparison, new MetricContext(inputs, Options.Sensitivity, nothing), isFitted);
        return new Job(
            [.. Plans.Measuring(this, inputs), .. plan.Stages(images.Items.Count, Plans.TuningOfAChoice(new(comparison.Tune)))], progress);
    }

    /// <summary>The stages of such a job. Shape: [stages].</summary>
    internal IReadOnlyList<JobStage> JobStages(int? rounds, DeployingSteps steps, bool compares) =>
    [
        .. Plans.Measuring(this, Unrounded), .. SearchStages(rounds), .. DeployingStages(steps), .. JobPlans.Biases,
        .. compares ? Plans.Uniform : [],
    ];

    private IReadOnlyList<JobStage> SearchStages(int? rounds) => SearchPlan.Stages(
        Unrounded, Options.Sensitivity, rounds ?? MeasuredRun.RoundsOf(Options.Sensitivity),
        RoundingMethods.Named(Options.Rounding).NeedsInputs);

    private IReadOnlyList<JobStage> DeployingStages(DeployingSteps steps)
    {
        var format = Options.Activations.Format;
        return Plans.Deploying(ActivationPlan.Of(Space.Graph, Space.Layers.Layers, format), format, steps);
    }

    /// <summary>A job that has said what it will do, and how long that takes at the speed of a second's trial.</summary>
    private Job Announced(IReadOnlyList<JobStage> stages, IProgress<StageProgress> progress)
    {
        var work = new Workload(Images, Options.Preprocessing) { Resources = Options.Resources, Provider = Options.Provider };
        var job = new Job(stages, progress, expected: StageSpeeds.Measure(Space.Graph, work));
        job.Announce();
        return job;
    }
}
