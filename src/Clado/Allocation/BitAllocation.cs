using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Sensitivity;

namespace Clado.Allocation;

/// <summary>Chooses every layer's width: turns candidates and a budget into numbers for the solver, and its answer back.</summary>
public static class BitAllocation
{
    /// <summary>Solves for a budget.</summary>
    /// <param name="surrogate">What is minimised.</param>
    /// <param name="candidates">The rows of its matrix.</param>
    /// <param name="fileSize">Sizes of the file.</param>
    /// <param name="budget">What the network may cost.</param>
    /// <param name="allocator">The solver.</param>
    /// <param name="cancellation">Stops early with the best choice so far.</param>
    public static AllocationResult Allocate(
        Surrogate surrogate, CandidateSet candidates, FileSize fileSize, Budget budget, IAllocator allocator, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(surrogate);
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(fileSize);
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(allocator);
        var groups = new WidthGroups(candidates, budget.Limits.Groups(candidates.Layers));
        var problem = new Subproblem(surrogate, candidates, groups, fileSize, budget);
        var smallest = WidthSets(candidates, groups).Select(widths => (Widths: widths, Bytes: fileSize.Predict(groups.Least(widths, c => c.SizeBytes), widths))).MinBy(s => s.Bytes);
        // Every width that is used costs its function in the file: solve with all of them paid for, then once more with those
        // that came out unused given back. Where all of them are too dear, start from the set that makes the smallest file.
        IReadOnlyList<int> allowed = [.. candidates.Items.Select(c => c.Bits).Distinct()];
        var best = problem.Solve(allowed, allocator, cancellation);
        if (best.Solution.Status == AllocationStatus.Infeasible)
        {
            best = problem.Solve(smallest.Widths, allocator, cancellation);
        }
        else if (budget.FileBytes is not null)
        {
            int[] fewer = [.. best.Chosen.Select(c => c.Bits).Distinct()];
            if (fewer.Length < allowed.Count && problem.Solve(fewer, allocator, cancellation) is var again
                && again.Solution.Objective < best.Solution.Objective)
            {
                best = again;
            }
        }
        double objective = best.Solution.Objective + (2 * surrogate.OperatingLoss), bound = best.Solution.Bound + (2 * surrogate.OperatingLoss);
        return new AllocationResult
        {
            Status = best.Solution.Status,
            Budget = budget,
            Chosen = best.Chosen,
            SizeBytes = best.Chosen.Count == 0 ? 0 : fileSize.Predict(best.Chosen.Sum(c => c.SizeBytes), best.Chosen.Select(c => c.Bits)),
            Surrogate = surrogate.Name,
            Objective = objective,
            Bound = bound,
            Gap = objective <= bound ? 0 : (objective - bound) / Math.Abs(objective),
            SmallestBytes = smallest.Bytes,
            SmallestBitsPerWeight = (double)groups.Least([.. candidates.Items.Select(c => c.Bits).Distinct()], c => c.Bits * c.Layer.Parameters)
                / candidates.Layers.Sum(l => l.Parameters),
        };
    }

    /// <summary>All sets of widths that leave every layer and group a candidate.</summary>
    private static IEnumerable<int[]> WidthSets(CandidateSet candidates, WidthGroups groups)
    {
        int[] all = [.. candidates.Items.Select(c => c.Bits).Distinct().Order()];
        for (int subset = 1; subset < 1 << all.Length; subset++)
        {
            int[] widths = [.. all.Where((_, i) => (subset >> i & 1) == 1)];
            if (groups.Allow(widths))
            {
                yield return widths;
            }
        }
    }

    /// <summary>The problem with only some widths allowed.</summary>
    private sealed record Subproblem(Surrogate Surrogate, CandidateSet Candidates, WidthGroups Groups, FileSize FileSize, Budget Budget)
    {
        public (AllocationSolution Solution, IReadOnlyList<Candidate> Chosen) Solve(
            IReadOnlyCollection<int> widths, IAllocator allocator, CancellationToken cancellation)
        {
            int[] rows = [.. Groups.Rows(widths)];
            int n = rows.Length, all = Candidates.Items.Count;
            var matrix = new double[n * n];
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    matrix[(i * n) + j] = Surrogate.Matrix[(rows[i] * all) + rows[j]];
                }
            }
            var items = rows.Select(row => Candidates.Items[row]).ToArray();
            var (costs, budgets) = (new List<long[]>(), new List<long>());
            if (Budget.FileBytes is { } bytes)
            {
                costs.Add([.. items.Select(c => c.SizeBytes)]);
                budgets.Add(FileSize.WeightBudget(bytes, widths));
            }
            if (Budget.BitsPerWeight is { } bits)
            {
                costs.Add([.. items.Select(c => c.Bits * c.Layer.Parameters)]);
                budgets.Add((long)Math.Floor(bits * Candidates.Layers.Sum(l => l.Parameters)));
            }
            if (Budget.Limits.BitOperations is { } operations)
            {
                costs.Add([.. items.Select(c => c.Layer.BitOperations(c.Bits, FileSize.ActivationBits))]);
                budgets.Add(operations);
            }
            if (Surrogate.Radius is { } radius)
            {
                costs.Add([.. rows.Select(row => Surrogate.OperatingPoint.Contains(row) ? 0L : 1)]);
                budgets.Add(radius);
            }
            if (Budget.Limits.Costs is { } table)
            {
                costs.Add([.. items.Select(c => table[c.Layer.Name, c.Bits])]);
                budgets.Add(Budget.Limits.MaximumCost ?? 0);
            }
            var problem = new AllocationProblem(matrix, [.. rows.Select(row => Candidates.LayerOf[row])], costs, budgets);
            var solution = Groups.Shared.Count == 0 ? allocator.Solve(problem, cancellation) : new LayerGroups(problem, Groups.Shared).Solve(allocator, cancellation);
            return (solution, [.. solution.Choice.Select(row => items[row])]);
        }
    }
}
