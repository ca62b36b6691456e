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
        var sets = WidthSets(candidates, groups).Select(widths => (Widths: widths, Bytes: fileSize.Predict(groups.Least(widths, c => c.SizeBytes), widths))).ToArray();
        var smallest = sets.MinBy(s => s.Bytes);
        // Every width that is used costs its function in the file. Solve with as many widths paid for as the budget allows (all of them, unless it is tight); then,
        // as long as that helps, with those given back that at most one layer uses, and one of the others taken in: what a single layer could change.
        int[][] feasible = [.. sets.Where(s => s.Bytes <= (budget.FileBytes ?? long.MaxValue)).Select(s => s.Widths).DefaultIfEmpty(smallest.Widths)];
        int[][] trials = [.. feasible.Where(set => !feasible.Any(other => other.Length > set.Length && set.All(other.Contains)))];
        var best = trials.Select(Solve).MinBy(Worth);
        while (best.Solution.Status != AllocationStatus.Infeasible && budget.FileBytes is not null)
        {
            var users = best.Chosen.CountBy(c => c.Bits).ToDictionary();
            int[][] next = [.. feasible.Where(set => !trials.Contains(set) && set.Count(b => !users.ContainsKey(b)) <= 1
                && users.Where(u => !set.Contains(u.Key)).Sum(u => u.Value) <= 1)];
            trials = [.. trials, .. next];
            if (next.Select(Solve).OrderBy(Worth).FirstOrDefault() is not { Solution: not null } better || Worth(better) >= Worth(best))
            {
                break;
            }
            best = better;
        }
        (AllocationSolution Solution, IReadOnlyList<Candidate> Chosen) Solve(int[] widths) => problem.Solve(widths, allocator, cancellation);
        static double Worth((AllocationSolution Solution, IReadOnlyList<Candidate>) solved) =>
            solved.Solution.Status == AllocationStatus.Infeasible ? double.PositiveInfinity : solved.Solution.Objective;

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
