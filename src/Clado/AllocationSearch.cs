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
        if (Best(Propose(surrogates, budget, ""), (0, ""), null) is not { } best)
        {
            return Solve(surrogates[0], budget);
        }
        for (int round = 1; round <= rounds; round++)
        {
            int[] point = Rows(best.Result);
            var matrix = measurement.Around(point, estimator, round);
            var better = Near(point, matrix, budget, round, best);
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

    /// <summary>
    /// The best of what surrogates around a choice propose, where it beats that; else null. All layers may change, or where that helps
    /// nothing, half of them, and so on: the model is good near the point only.
    /// </summary>
    private MeasuredChoice? Near(int[] point, SensitivityMatrix matrix, Budget budget, int round, MeasuredChoice best)
    {
        // Whose proposal changes no more layers than may change next proposes that again.
        bool[] isSettled = [];
        MeasuredChoice? better = null;
        for (int radius = point.Length; radius >= 1 && better is null; radius /= 2)
        {
            int next = radius / 2;
            var around = Surrogate.Around(matrix, point, best.SeenLoss, radius == point.Length ? null : radius);
            isSettled = isSettled.Length == 0 ? new bool[around.Count] : isSettled;
            int[] open = [.. Enumerable.Range(0, around.Count).Where(i => !isSettled[i])];
            if (open.Length == 0)
            {
                break;
            }
            (int Round, string Stage) step = (round, SearchPlan.Within(round, radius, point.Length));
            var proposed = Propose([.. open.Select(i => around[i])], budget, step.Stage);
            better = Best(proposed, step, best);
            foreach (var (i, proposal) in open.Zip(proposed))
            {
                isSettled[i] = proposal.Status == AllocationStatus.Optimal
                    && Rows(proposal).Zip(point).Count(rows => rows.First != rows.Second) <= next;
            }
        }
        return better;
    }

    /// <summary>The optimum of each surrogate, as far as the budget can be kept. Shape: [surrogates].</summary>
    private AllocationResult[] Propose(IReadOnlyList<Surrogate> surrogates, Budget budget, string step) =>
    [
        .. surrogates.Select((surrogate, index) =>
        {
            progress?.Report(new StageProgress(StageNames.Choosing + step, null, (double)index / surrogates.Count));
            return Solve(surrogate, budget);
        }).Where(r => r.Chosen.Count > 0),
    ];

    /// <summary>Measures proposals; the best of them where it beats what is there, else null.</summary>
    private MeasuredChoice? Best(IReadOnlyList<AllocationResult> proposed, (int Round, string Stage) step, MeasuredChoice? best)
    {
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
