using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Images;
using Clado.Packing;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado;

/// <summary>
/// Looks for the allocation of least loss on the network itself (docs/method.md, "Operating point").
/// Every surrogate's optimum is measured, and the best becomes the operating point.
/// Sensitivities are measured again around it, and so on until a round finds nothing better.
/// </summary>
/// <param name="inputs">The network, its candidates and all images of the run.</param>
/// <param name="options">Estimator and loss.</param>
/// <param name="judge">Who decides between choices.</param>
/// <param name="fileSize">Sizes of the file.</param>
/// <param name="records">Finished units: read and added to.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
internal sealed class AllocationSearch(
    MeasurementInputs inputs, SensitivityOptions options, ChoiceJudge judge, FileSize fileSize, IRecordStore records,
    IProgress<StageProgress>? progress)
{
    // Surrogates come and go; what counts is the choice, and that is there long before its proof.
    private const double SurrogateWork = 2e8;

    // The images that surrogates are measured on.
    private readonly ImageSet seen = options.Seen(inputs.Work.Images);

    /// <summary>Searches.</summary>
    /// <param name="surrogates">Surrogates of the float network.</param>
    /// <param name="budget">What the network may cost.</param>
    /// <param name="rounds">Rounds of measuring around the best choice at most. Range: [0, inf).</param>
    public AllocationResult Find(IReadOnlyList<Surrogate> surrogates, Budget budget, int rounds)
    {
        var trials = new List<AllocationTrial>();
        if (Try(surrogates, budget, (0, ""), null, trials) is not { } best)
        {
            return Solve(surrogates[0], budget);
        }
        for (int round = 1; round <= rounds; round++)
        {
            int[] point = Rows(best.Result);
            var matrix = SensitivityMeasurement.Measure(
                On(seen, SearchPlan.Around(round)), point,
                options with { Estimator = Estimators.AroundChoices }, records);
            // All layers may change, or where that helps nothing, half of them, and so on: the model is good near the point only.
            MeasuredChoice? better = null;
            for (int radius = point.Length; radius >= 1 && better is null; radius /= 2)
            {
                var around = Surrogate.Around(matrix, point, best.SeenLoss, radius == point.Length ? null : radius);
                better = Try(around, budget, (round, SearchPlan.Within(round, radius, point.Length)), best, trials);
            }
            if (better is null)
            {
                best = best with { Result = best.Result with { OperatingLoss = best.SeenLoss } };
                break;
            }
            best = better;
        }
        return best.Result with { Trials = trials };
    }

    /// <summary>Measures what surrogates propose; the best of it where it beats what is there, else null.</summary>
    private MeasuredChoice? Try(
        IReadOnlyList<Surrogate> surrogates, Budget budget, (int Round, string Stage) step, MeasuredChoice? best,
        List<AllocationTrial> trials)
    {
        var proposed = surrogates.Select((surrogate, index) =>
        {
            progress?.Report(new StageProgress(StageNames.Choosing + step.Stage, null, (double)index / surrogates.Count));
            return Solve(surrogate, budget);
        }).Where(r => r.Chosen.Count > 0).ToArray();
        var losses = JointLoss.Measure(
            On(inputs.Work.Images, StageNames.Choices + step.Stage), [.. proposed.Select(Rows)], options.Loss, records);
        bool holdsBack = seen.Items.Count < inputs.Work.Images.Items.Count;
        var measured = proposed.Zip(losses, (result, loss) => new MeasuredChoice(
            result with { MeasuredLoss = loss.Average() },
            loss,
            loss.Where((_, image) => !holdsBack || !ImageSet.IsHeldBack(image)).Average())).ToArray();
        var better = best;
        foreach (var next in measured.Where(m => better is null || judge.IsBetter(m.Losses, better.Losses, holdsBack)))
        {
            better = next;
        }
        trials.AddRange(measured.Select(m => new AllocationTrial(
            step.Round, m.Result.Surrogate, m.Result.PredictedLoss, m.Result.MeasuredLoss!.Value,
            holdsBack ? m.Losses.Where((_, image) => ImageSet.IsHeldBack(image)).Average() : null, ReferenceEquals(m, better))));
        return ReferenceEquals(better, best) ? null : better;
    }

    private AllocationResult Solve(Surrogate surrogate, Budget budget) => BitAllocation.Allocate(
        surrogate, inputs.Candidates, fileSize, budget, new AutomaticAllocator { WorkLimit = SurrogateWork }, inputs.Work.Cancellation);

    private MeasurementInputs On(ImageSet images, string stage) => inputs with
    {
        Work = inputs.Work with { Images = images, Progress = StageShare.Begin(progress, stage) },
    };

    private int[] Rows(AllocationResult result) => inputs.Candidates.RowsOf(result.Chosen);

    /// <summary>A choice, what it loses on every image, and in the mean on the images that surrogates are measured on.</summary>
    private sealed record MeasuredChoice(AllocationResult Result, double[] Losses, double SeenLoss);
}
