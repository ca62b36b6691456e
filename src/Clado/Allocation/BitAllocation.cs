using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Packing;
using Clado.Sensitivity;

namespace Clado.Allocation;

/// <summary>Chooses every layer's width: turns candidates and a budget into numbers for the solver, and its answer back.</summary>
internal static class BitAllocation
{
    /// <summary>Solves for a budget.</summary>
    /// <param name="surrogate">What is minimised.</param>
    /// <param name="candidates">The rows of its matrix.</param>
    /// <param name="fileSize">Sizes of the file.</param>
    /// <param name="budget">What the network may cost.</param>
    /// <param name="allocator">The solver.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static AllocationResult Allocate(
        Surrogate surrogate, CandidateSet candidates, FileSize fileSize, Budget budget, IAllocator allocator,
        CancellationToken cancellation = default)
    {
        var groups = new WidthGroups(candidates, budget.Limits.Groups(candidates.Layers), budget.Limits.Allowed(candidates));
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        int[] rows = [.. groups.Rows(widths).Where(row => !surrogate.IsOfLayers || candidates.Items[row].IsWhole)];
        var limited = new LimitedProblem(surrogate, candidates, rows, fileSize, budget);
        var grouped = new LayerGroups(limited.Problem, groups.Shared);
        var solution = grouped.Solve(allocator, cancellation);
        // A solver that is stopped gives what it has, and that may be nothing: no answer to the question.
        cancellation.ThrowIfCancellationRequested();
        Candidate[] chosen = [.. solution.Choice.Select(row => candidates.Items[rows[row]])];
        var smallest = Smallest(candidates, fileSize, groups, widths);
        double objective = solution.Objective + (2 * surrogate.OperatingLoss), bound = solution.Bound + (2 * surrogate.OperatingLoss);
        return Result(chosen, fileSize, surrogate, budget, smallest) with
        {
            Status = solution.Status,
            Objective = objective,
            Bound = bound,
            Gap = objective <= bound ? 0 : (objective - bound) / Math.Abs(objective),
            Unreachable = solution.Status == AllocationStatus.Infeasible
                && UnreachableLimit.Find(grouped.Merged, limited.Kinds, cancellation) is { } limit
                ? InUnits(limit, budget, smallest, candidates.Layers.Sum(l => l.Parameters)) : null,
        };
    }

    /// <summary>A choice that nobody looked for, such as one width for all layers: nothing is known of how good it is.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="surrogate">What predicts its loss.</param>
    /// <param name="candidates">The rows of its matrix.</param>
    /// <param name="fileSize">Sizes of the file.</param>
    /// <param name="budget">What it is called.</param>
    public static AllocationResult Given(
        IReadOnlyList<Candidate> chosen, Surrogate surrogate, CandidateSet candidates, FileSize fileSize, Budget budget)
    {
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        var smallest = Smallest(candidates, fileSize, new WidthGroups(candidates, []), widths);
        return Result(chosen, fileSize, surrogate, budget, smallest) with
        {
            Objective = 2 * surrogate.Loss(candidates.RowsOf(chosen)),
        };
    }

    /// <summary>What follows from a choice alone.</summary>
    private static AllocationResult Result(
        IReadOnlyList<Candidate> chosen, FileSize fileSize, Surrogate surrogate, Budget budget, SmallestChoice smallest) => new()
        {
            Status = AllocationStatus.Feasible,
            Budget = budget,
            Chosen = chosen,
            SizeBytes = chosen.Count == 0 ? 0 : fileSize.PredictForKernels(chosen),
            Surrogate = surrogate.Name,
            Objective = double.PositiveInfinity,
            Bound = double.NegativeInfinity,
            Gap = double.PositiveInfinity,
            SmallestBytes = smallest.Bytes,
            SmallestBitsPerWeight = smallest.BitsPerWeight,
        };

    private static SmallestChoice Smallest(CandidateSet candidates, FileSize fileSize, WidthGroups groups, int[] widths) => new(
        WidthSets.Of(widths).Where(groups.Allow).Min(set => fileSize.Predict(groups.Least(set, c => c.SizeBytes), set)),
        (double)groups.Least(widths, c => c.CodeBits) / candidates.Layers.Sum(l => l.Parameters));

    /// <summary>Bytes of the smallest file that any choice gives.</summary>
    /// <param name="candidates">All candidates; their sizes count, not their codes.</param>
    /// <param name="fileSize">Sizes of the file.</param>
    public static long SmallestFile(CandidateSet candidates, FileSize fileSize)
    {
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        return Smallest(candidates, fileSize, new WidthGroups(candidates, []), widths).Bytes;
    }

    /// <summary>The solver knows the bytes of weights and the sum of their bits.</summary>
    private static UnreachableLimit InUnits(UnreachableLimit limit, Budget budget, SmallestChoice smallest, long parameters) =>
        limit.Kind switch
        {
            LimitKind.FileBytes => limit with { Value = (double)budget.FileBytes!, Smallest = smallest.Bytes },
            LimitKind.BitsPerWeight => limit with { Value = (double)budget.BitsPerWeight!, Smallest = limit.Smallest / parameters },
            _ => limit,
        };

    private readonly record struct SmallestChoice(long Bytes, double BitsPerWeight);
}
