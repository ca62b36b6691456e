using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Packing;
using Clado.Sensitivity;

namespace Clado;

/// <summary>
/// Looks for the allocation of least loss on the network itself (docs/method.md, "Operating point").
/// Every surrogate's optimum is measured, and the best becomes the operating point.
/// Sensitivities are measured again around it, and so on until a round finds nothing better.
/// </summary>
/// <param name="candidates">The rows of the matrices.</param>
/// <param name="fileSize">Sizes of the file.</param>
/// <param name="measurement">Runs choices on the network.</param>
/// <param name="judge">Who decides between choices.</param>
/// <param name="progress">Receives the name of the stage and the share done.</param>
/// <param name="cancellation">Stops; what is measured is kept.</param>
internal sealed class AllocationSearch(
    CandidateSet candidates, FileSize fileSize, ChoiceMeasurement measurement, ChoiceJudge judge, IProgress<StageProgress>? progress,
    CancellationToken cancellation)
{
    // Surrogates come and go; what counts is the choice, and that is there long before its proof.
    private const double SurrogateWork = 2e8;

    private readonly List<(AllocationTrial Trial, ChoiceLosses Losses)> tried = [];

    /// <summary>Searches.</summary>
    /// <param name="surrogates">Surrogates of the float network.</param>
    /// <param name="budget">What the network may cost.</param>
    /// <param name="estimator">Name of the estimator that measures around choices.</param>
    /// <param name="rounds">Rounds of measuring around the best choice at most. Range: [0, inf).</param>
    public AllocationResult Find(IReadOnlyList<Surrogate> surrogates, Budget budget, string estimator, int rounds)
    {
        if (Try(surrogates, budget, (0, ""), null) is not { } best)
        {
            return Solve(surrogates[0], budget);
        }
        for (int round = 1; round <= rounds; round++)
        {
            int[] point = Rows(best.Result);
            var matrix = measurement.Around(point, estimator, round);
            // All layers may change, or where that helps nothing, half of them, and so on: the model is good near the point only.
            MeasuredChoice? better = null;
            for (int radius = point.Length; radius >= 1 && better is null; radius /= 2)
            {
                var around = Surrogate.Around(matrix, point, best.SeenLoss, radius == point.Length ? null : radius);
                better = Try(around, budget, (round, SearchPlan.Within(round, radius, point.Length)), best);
            }
            if (better is null)
            {
                best = best with { Result = best.Result with { OperatingLoss = best.SeenLoss } };
                break;
            }
            best = better;
        }
        AllocationTrial Compared(AllocationTrial trial, ChoiceLosses losses) =>
            losses == best.Losses ? trial : trial with { Gain = judge.Gain(losses, best.Losses) };
        return best.Result with { MeasuredLoss = best.Loss, Trials = [.. tried.Select(t => Compared(t.Trial, t.Losses))] };
    }

    /// <summary>Measures what surrogates propose; the best of it where it beats what is there, else null.</summary>
    private MeasuredChoice? Try(
        IReadOnlyList<Surrogate> surrogates, Budget budget, (int Round, string Stage) step, MeasuredChoice? best)
    {
        var proposed = surrogates.Select((surrogate, index) =>
        {
            progress?.Report(new StageProgress(StageNames.Choosing + step.Stage, null, (double)index / surrogates.Count));
            return Solve(surrogate, budget);
        }).Where(r => r.Chosen.Count > 0).ToArray();
        string stage = StageNames.Choices + step.Stage;
        var losses = measurement.Losses([.. proposed.Select(Rows)], judge, best?.Losses, stage);
        MeasuredChoice[] measured = [.. proposed.Zip(losses, (result, own) => new MeasuredChoice(result, own))];
        int? found = judge.Best([.. measured.Select(m => m.Losses)], best?.Losses);
        if (found is { } index)
        {
            var winner = measured[index];
            measured[index] = winner with { Losses = measurement.Complete(Rows(winner.Result), winner.Losses, stage) };
        }
        tried.AddRange(measured.Select((m, i) => (
            new AllocationTrial(step.Round, m.Result.Surrogate, m.Result.PredictedLoss, m.Loss, m.HeldBackLoss, i == found), m.Losses)));
        return found is { } position ? measured[position] : null;
    }

    private AllocationResult Solve(Surrogate surrogate, Budget budget) => BitAllocation.Allocate(
        surrogate, candidates, fileSize, budget, new AutomaticAllocator { WorkLimit = SurrogateWork }, cancellation);

    private int[] Rows(AllocationResult result) => candidates.RowsOf(result.Chosen);

    /// <summary>A choice and what it loses.</summary>
    private sealed record MeasuredChoice(AllocationResult Result, ChoiceLosses Losses)
    {
        /// <summary>Mean over all images; null where it was not run on all.</summary>
        public double? Loss => Losses.Seen is null ? null : Losses.All.Average();

        public double SeenLoss => Losses.Seen!.Average();

        public double? HeldBackLoss => Losses.HeldBack.Length == 0 ? null : Losses.HeldBack.Average();
    }
}
