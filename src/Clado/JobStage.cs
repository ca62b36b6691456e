namespace Clado;

/// <summary>A stage of a job, and what it is expected to cost.</summary>
/// <param name="Name">Its name; stages of one name follow each other in the order of the plan.</param>
/// <param name="Kind">What its time is spent on.</param>
/// <param name="Cost">
/// Passes of the float network over all images of the run; where bits are chosen, seconds. Range: [0, inf).
/// </param>
internal sealed record JobStage(string Name, StageKind Kind, double Cost)
{
    /// <summary>How likely it is that the stage runs. Range: (0, 1].</summary>
    public double Likelihood { get; init; } = 1;

    /// <summary>Sessions that are made in it, whose time does not grow with the images. Range: [0, inf).</summary>
    public int Sessions { get; init; }

    /// <summary>The call it belongs to.</summary>
    public JobPart Part { get; init; }

    /// <summary>Which of the calls of its part that is, where there are several. Range: [0, inf).</summary>
    public int Call { get; init; }
}

/// <summary>What time is spent on: the speed of one kind says little of that of another.</summary>
internal enum StageKind
{
    /// <summary>Images are read and decoded.</summary>
    Decoding,

    /// <summary>Networks run on images.</summary>
    Running,

    /// <summary>Weights are put on grids.</summary>
    Rounding,

    /// <summary>Bits are chosen: no images are looked at.</summary>
    Choosing,
}

/// <summary>A call that is a job, or a part of one.</summary>
internal enum JobPart
{
    /// <summary><see cref="Pipeline.Measure(PipelineOptions, IProgress{StageProgress}?, CancellationToken)"/>.</summary>
    Measuring,

    /// <summary><see cref="MeasuredRun.Allocate"/>.</summary>
    Choosing,

    /// <summary><see cref="MeasuredRun.Deploy"/>.</summary>
    Deploying,

    /// <summary><see cref="MeasuredRun.MeasureBiases"/>.</summary>
    Biases,

    /// <summary><see cref="MeasuredRun.UniformAround"/>, <see cref="MeasuredRun.Sweep"/>.</summary>
    Curve,

    /// <summary><see cref="MeasuredRun.Compare"/>.</summary>
    Comparison,

    /// <summary>Evaluations of the caller's own.</summary>
    Evaluating,
}

/// <summary>Names of stages, as they are reported and planned.</summary>
internal static class StageNames
{
    public const string ActivationCost = "what activations cost";
    public const string ActivationRanges = "activation ranges";
    public const string Biases = "measuring biases";
    public const string Checking = "checking images";
    public const string Choices = "measuring choices";
    public const string Choosing = "choosing bits";
    public const string Comparing = "comparing with the simulation";
    public const string EachActivation = "what each activation costs";
    public const string Equalizing = "equalizing";
    public const string Evaluating = "evaluating";
    public const string EvaluatingChoices = "evaluating choices";
    public const string TuningChoices = "tuning and evaluating choices";
    public const string Gradients = "checking gradients";
    public const string LookingAtActivations = "looking at activations";
    public const string Measuring = "measuring";
    public const string Outputs = "measuring outputs";
    public const string Refining = "refining";
    public const string Rounding = "rounding";
    public const string Rows = "rows";
    public const string Sweep = "sweep";
    public const string Tuning = "tuning";
    public const string UniformWidths = "uniform widths";
    public const string WholeJob = "the whole job";

    /// <summary>Name of the stage that measures a metric.</summary>
    /// <param name="name">Name of the metric.</param>
    public static string Metric(string name) => $"metric {name}";

    /// <summary>Name of the stage that measures one of the sizes among which the smallest is looked for.</summary>
    /// <param name="number">Its number. Range: [1, inf).</param>
    public static string Size(int number) => FormattableString.Invariant($"size {number}");
}
