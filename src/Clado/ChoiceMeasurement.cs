using Clado.Images;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado;

/// <summary>Runs choices, and what lies around one, on the images of a run.</summary>
/// <param name="inputs">The network, its candidates and all images of the run.</param>
/// <param name="checks">What forward passes said of gradients, width by width. Shape: [widths].</param>
/// <param name="options">Estimator and loss.</param>
/// <param name="records">Finished units: read and added to.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
internal sealed class ChoiceMeasurement(
    MeasurementInputs inputs, IReadOnlyList<GradientCheck> checks, SensitivityOptions options, IRecordStore records,
    IProgress<StageProgress>? progress)
{
    /// <summary>The images that surrogates are measured on.</summary>
    private readonly ImageSet seen = options.Seen(inputs.Work.Images);

    /// <summary>Whether some images are held back from surrogates: not with another estimator than auto, nor of fewer than four.</summary>
    public bool HoldsBack => seen.Items.Count < inputs.Work.Images.Items.Count;

    /// <summary>What choices lose: on the images held back, and where a judge wants that, on the others.</summary>
    /// <param name="choices">Rows of each choice's candidates. Shape: [choices][layers].</param>
    /// <param name="judge">Who decides between them.</param>
    /// <param name="best">The best choice so far, or null.</param>
    /// <param name="stage">Name of the stage.</param>
    /// <returns>Shape: [choices].</returns>
    public IReadOnlyList<ChoiceLosses> Losses(IReadOnlyList<int[]> choices, ChoiceJudge judge, ChoiceLosses? best, string stage)
    {
        var heldBack = OnHeldBack(choices, stage);
        bool[] needAll = judge.NeedAll(heldBack, best);
        var rest = new Queue<double[]>(OnSeen([.. choices.Where((_, i) => needAll[i])], stage));
        return [.. heldBack.Select((losses, i) => new ChoiceLosses(losses, needAll[i] ? rest.Dequeue() : null))];
    }

    /// <summary>The losses of a choice on all images.</summary>
    /// <param name="choice">Rows of its candidates. Shape: [layers].</param>
    /// <param name="losses">What is known of them.</param>
    /// <param name="stage">Name of the stage.</param>
    public ChoiceLosses Complete(int[] choice, ChoiceLosses losses, string stage) =>
        losses.Seen is null ? losses with { Seen = OnSeen([choice], stage)[0] } : losses;

    /// <summary>The mean loss of a choice over all images.</summary>
    /// <param name="choice">Rows of its candidates. Shape: [layers].</param>
    /// <param name="stage">Name of the stage.</param>
    public double Loss(int[] choice, string stage) =>
        Complete(choice, new ChoiceLosses(OnHeldBack([choice], stage)[0], null), stage).All.Average();

    /// <summary>Sensitivities around a choice.</summary>
    /// <param name="choice">Rows of its candidates. Shape: [layers].</param>
    /// <param name="estimator">Name of the estimator.</param>
    /// <param name="round">Number of the round. Range: [1, inf).</param>
    public SensitivityMatrix Around(int[] choice, string estimator, int round)
    {
        var around = On(seen, SearchPlan.Around(round)) with
        {
            Forward = GradientChecks.Forward(inputs.Candidates, checks, choice),
        };
        return SampledForward.Measure(around, choice, options with { Estimator = estimator }, records);
    }

    private double[][] OnHeldBack(IReadOnlyList<int[]> choices, string stage) => HoldsBack
        ? JointLoss.Measure(On(inputs.Work.Images.HeldBack(), stage) with { Part = "held-back/" }, choices, options.Loss, records)
        : [.. choices.Select(_ => Array.Empty<double>())];

    private double[][] OnSeen(IReadOnlyList<int[]> choices, string stage) => choices.Count > 0
        ? JointLoss.Measure(On(seen, stage) with { Part = HoldsBack ? "seen/" : "" }, choices, options.Loss, records)
        : [];

    private MeasurementInputs On(ImageSet images, string stage) => inputs with
    {
        Work = inputs.Work with { Images = images, Progress = StageShare.Begin(progress, stage) },
    };
}
