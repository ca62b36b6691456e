using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Losses;
using Clado.Rounding;
using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado;

/// <summary>
/// What each call does, stage by stage, and what that is expected to cost: in passes of the float network over all images of the run.
/// </summary>
/// <param name="graph">The float network.</param>
/// <param name="candidates">Its layers, each at its widths.</param>
/// <param name="images">Images of the run. Range: [1, inf).</param>
internal sealed class JobPlans(Graph graph, CandidateSet candidates, int images)
{
    // The float network and the file; with activations rounded, those again with values moved (ParityModels).
    private const int ComparedNetworks = 4;

    // The networks of one width next to a file, and what they are compared with their simulations on.
    private const int Networks = 2, ImagesOfUniform = Clado.DeployingStages.ImagesToCompare;

    // A size is halved until it is known to TargetSearch.Tolerance; the first is the largest.
    private const int Sizes = 9;

    // Whether activations have to be repaired where that is asked for.
    private const double Repairs = 0.5;

    // Whether tuning gains nothing, and all images are used to round again.
    private const double TakenBack = 0.5;

    private readonly double macs = candidates.Layers.Sum(layer => (double)layer.Macs) * images;

    /// <summary>The stages of a measurement.</summary>
    /// <param name="prepared">What is measured.</param>
    /// <param name="inputs">The same, as far as it is known.</param>
    public IReadOnlyList<JobStage> Measuring(PreparedRun prepared, MeasurementInputs inputs)
    {
        var (options, sensitivity) = (prepared.Options, prepared.Options.Sensitivity);
        bool rounds = options.MeasuredActivations == ActivationFormat.Int8 && graph.ActivationGrids == 0;
        double passes = SampledForward.PassesOf(inputs, sensitivity, isAround: false);
        JobStage?[] stages =
        [
            new(StageNames.Checking, StageKind.Decoding, 1),
            options.Equalize ? new(StageNames.Equalizing, StageKind.Rounding, Rounding(options.Rounding)) : null,
            LossKind.Of(Readout.Of(graph), sensitivity.Loss).NeedsScales ? new(StageNames.Outputs, StageKind.Running, 1) : null,
            new(StageNames.Rounding, StageKind.Rounding, Rounding(options.Rounding) * (options.RoundsSequentially ? 2 : 1)),
            rounds ? new(StageNames.ActivationRanges, StageKind.Running, OnSome(1, MeasuredRun.ImagesForRanges)) : null,
            options.MixesRows ? new(
                StageNames.Rows, StageKind.Running, passes * sensitivity.Seen(prepared.Images).Items.Count / images) : null,
            prepared.ChecksGradients ? new(StageNames.Gradients, StageKind.Running, passes * OnSome(2, GradientChecks.ImageCount))
            {
                Sessions = SearchPlan.Gradients,
            } : null,
            new(StageNames.Measuring, StageKind.Running, passes * sensitivity.Seen(prepared.Images).Items.Count / images)
            {
                Sessions = SearchPlan.Gradients,
            },
        ];
        return Of(JobPart.Measuring, stages);
    }

    /// <summary>What tuning a choice costs, in passes; all of it is taken for running networks.</summary>
    public double TuningOfAChoice => (2 * (1 + TakenBack) * Rounding(PipelineOptions.Roundings[0])) + TuningPasses;

    private static double TuningPasses => NetworkTuning.Epochs * NetworkTuning.PassesPerEpoch;

    /// <summary>The stages from a choice to a file.</summary>
    /// <param name="plan">What is written of activations; null where they stay floats.</param>
    /// <param name="format">What was asked for.</param>
    /// <param name="steps">What is done.</param>
    public IReadOnlyList<JobStage> Deploying(ActivationPlan? plan, ActivationFormat format, DeployingSteps steps)
    {
        bool tunes = steps.Tune == TuningMethod.Network, refine = steps.Refine && !tunes;
        bool isEvaluated = steps.Evaluate || refine, finds = plan is { AreKept: false }, repairs = finds && format == ActivationFormat.Auto;
        double compared = OnSome(plan is null ? 2 : ComparedNetworks, MeasuredRun.ImagesForParity);
        JobStage?[] file =
        [
            new(StageNames.Comparing, StageKind.Running, compared) { Sessions = ComparedNetworks },
            isEvaluated ? new(StageNames.Evaluating, StageKind.Running, 2) { Sessions = 2 } : null,
            finds ? new(StageNames.ActivationCost, StageKind.Running, isEvaluated ? 2 : OnSome(3, MeasuredRun.ImagesForRanges)) : null,
        ];
        var ranges = new JobStage(StageNames.ActivationRanges, StageKind.Running, OnSome(1, MeasuredRun.ImagesForRanges)) { Sessions = 2 };
        var refining = new JobStage(StageNames.Refining, StageKind.Rounding, 2 * Rounding(PipelineOptions.Roundings[0]));
        JobStage?[] stages =
        [
            finds ? ranges : null,
            .. repairs ? Repairing(plan!) : [],
            tunes ? refining : null,
            tunes ? new(StageNames.Tuning, StageKind.Running, TuningPasses) : null,
            tunes ? refining with { Likelihood = TakenBack } : null,
            .. file,
            refine ? refining : null,
            .. refine ? file : [],
        ];
        return Of(JobPart.Deploying, stages);
    }

    private JobStage[] Repairing(ActivationPlan plan)
    {
        double steps = OnSome(ActivationStages.UsualSteps, ActivationStages.ImagesForRepair);
        double ranges = OnSome(plan.Ranges.Count, ActivationStages.ImagesForRepair);
        return
        [
            new(StageNames.LookingAtActivations, StageKind.Running, steps),
            new(StageNames.EachActivation, StageKind.Running, ranges) { Likelihood = Repairs },
        ];
    }

    /// <summary>The stage that measures what corrected biases gain: the network without them, beside the float one.</summary>
    public static IReadOnlyList<JobStage> Biases { get; } =
        Of(JobPart.Biases, new JobStage(StageNames.Biases, StageKind.Running, 2) { Sessions = 2 });

    /// <summary>The stage that measures the networks of one width next to a file.</summary>
    public IReadOnlyList<JobStage> Uniform => Of(
        JobPart.Curve,
        new JobStage(StageNames.UniformWidths, StageKind.Running, Networks + 1 + (Networks * OnSome(ComparedNetworks, ImagesOfUniform)))
        {
            Sessions = Networks * (ComparedNetworks + 1),
        });

    /// <summary>The stage of a sweep, whose own speed tells all.</summary>
    public static IReadOnlyList<JobStage> Sweep { get; } = Of(JobPart.Curve, new JobStage(StageNames.Sweep, StageKind.Running, 1));

    /// <summary>The stages of a search for the smallest size.</summary>
    public static IReadOnlyList<JobStage> Search { get; } =
        Of(JobPart.Curve, [.. Enumerable.Range(1, Sizes).Select(i => new JobStage(StageNames.Size(i), StageKind.Running, 1))]);

    private static JobStage[] Of(JobPart part, params JobStage?[] stages) =>
        [.. stages.OfType<JobStage>().Select(s => s with { Part = part })];

    /// <summary>Passes of so many networks over some of the images.</summary>
    private double OnSome(int networks, int count) => networks * Math.Min(1, (double)count / images);

    /// <summary>Rounding of all layers, in passes: one that measures their inputs, and what is done with these.</summary>
    private double Rounding(string method)
    {
        bool onInputs = RoundingMethods.Named(method).NeedsInputs;
        double own = candidates.Items.GroupBy(candidate => candidate.Layer).Sum(widths =>
            RoundingCost.OfWeights(widths.Key, widths.Count(), onInputs) + (onInputs ? RoundingCost.OfInputs(widths.Key, images) : 0));
        return (onInputs ? 1 : 0) + (own / macs);
    }
}

/// <summary>What is done between a choice and its file.</summary>
/// <param name="Refine">Whether layers are rounded again.</param>
/// <param name="Evaluate">Whether the file is evaluated on the run's images.</param>
/// <param name="Tune">What codes, scales and biases are tuned by.</param>
internal sealed record DeployingSteps(bool Refine, bool Evaluate, TuningMethod Tune = TuningMethod.None);
