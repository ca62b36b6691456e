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
        Surrogate surrogate, CandidateSet candidates, FileSize fileSize, Budget budget, IAllocator allocator, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(surrogate);
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(fileSize);
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(allocator);
        var groups = new WidthGroups(candidates, budget.Limits.Groups(candidates.Layers));
        int[] widths = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        int[] rows = groups.Rows(widths);
        var (problem, limits) = Problem(surrogate, candidates, rows, widths, fileSize, budget);
        var grouped = new LayerGroups(problem, groups.Shared);
        var solution = grouped.Solve(allocator, cancellation);
        // A solver that is stopped gives what it has, and that may be nothing: no answer to the question.
        cancellation.ThrowIfCancellationRequested();
        Candidate[] chosen = [.. solution.Choice.Select(row => candidates.Items[rows[row]])];
        long parameters = candidates.Layers.Sum(l => l.Parameters);
        long smallestBytes = Subsets(widths).Where(groups.Allow).Min(set => fileSize.Predict(groups.Least(set, c => c.SizeBytes), set));
        double objective = solution.Objective + (2 * surrogate.OperatingLoss), bound = solution.Bound + (2 * surrogate.OperatingLoss);
        return new AllocationResult
        {
            Status = solution.Status,
            Budget = budget,
            Chosen = chosen,
            SizeBytes = chosen.Length == 0 ? 0 : fileSize.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)),
            Surrogate = surrogate.Name,
            Objective = objective,
            Bound = bound,
            Gap = objective <= bound ? 0 : (objective - bound) / Math.Abs(objective),
            Unreachable = solution.Status != AllocationStatus.Infeasible ? null
                : UnreachableLimit.Find(grouped.Merged, limits, cancellation) is not { } limit ? null
                // The solver knows the bytes of weights and the sum of their bits.
                : limit.Kind == LimitKind.FileBytes ? limit with { Value = (double)budget.FileBytes!, Smallest = smallestBytes }
                : limit.Kind == LimitKind.BitsPerWeight ? limit with { Value = (double)budget.BitsPerWeight!, Smallest = limit.Smallest / parameters }
                : limit,
            SmallestBytes = smallestBytes,
            SmallestBitsPerWeight = (double)groups.Least(widths, c => c.Bits * c.Layer.Parameters) / parameters,
        };
    }

    private static (AllocationProblem Problem, IReadOnlyList<LimitKind> Limits) Problem(
        Surrogate surrogate, CandidateSet candidates, int[] rows, int[] widths, FileSize fileSize, Budget budget)
    {
        int all = candidates.Items.Count;
        double[] matrix = [.. rows.SelectMany(a => rows.Select(b => surrogate.Matrix[(a * all) + b]))];
        var items = rows.Select(row => candidates.Items[row]).ToArray();
        var (costs, budgets, limits) = (new List<long[]>(), new List<long>(), new List<LimitKind>());
        void Limit(LimitKind kind, IEnumerable<long> cost, long most)
        {
            costs.Add([.. cost]);
            budgets.Add(most);
            limits.Add(kind);
        }

        FixedCharges? charges = null;
        if (budget.FileBytes is { } bytes)
        {
            // Every width that is used costs its function in the file.
            long[] left = [.. Subsets(widths).Prepend([]).Select(set => fileSize.WeightBudget(bytes, set))];
            charges = new FixedCharges(0, [.. items.Select(c => Array.IndexOf(widths, c.Bits))], [.. left.Select(weights => left[0] - weights)]);
            Limit(LimitKind.FileBytes, items.Select(c => c.SizeBytes), left[0]);
        }
        if (budget.BitsPerWeight is { } bits)
        {
            Limit(LimitKind.BitsPerWeight, items.Select(c => c.Bits * c.Layer.Parameters), (long)Math.Floor(bits * candidates.Layers.Sum(l => l.Parameters)));
        }
        if (budget.Limits.BitOperations is { } operations)
        {
            Limit(LimitKind.BitOperations, items.Select(c => c.Layer.BitOperations(c.Bits, fileSize.ActivationBits)), operations);
        }
        if (surrogate.Radius is { } radius)
        {
            Limit(LimitKind.Radius, rows.Select(row => surrogate.OperatingPoint.Contains(row) ? 0L : 1), radius);
        }
        if (budget.Limits.Costs is { } table)
        {
            Limit(LimitKind.Cost, items.Select(c => table[c.Layer.Name, c.Bits]), budget.Limits.MaximumCost ?? 0);
        }
        return (new AllocationProblem(matrix, [.. rows.Select(row => candidates.LayerOf[row])], costs, budgets, charges), limits);
    }

    /// <summary>All sets of widths but the empty one, in the order of numbers whose bits they are. Shape: [2^widths − 1][widths].</summary>
    private static IEnumerable<int[]> Subsets(int[] widths) =>
        Enumerable.Range(1, (1 << widths.Length) - 1).Select(set => widths.Where((_, i) => (set >> i & 1) == 1).ToArray());
}
