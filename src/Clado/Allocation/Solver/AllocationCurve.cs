namespace Clado.Allocation.Solver;

/// <summary>
/// The best choices for many values of one budget on one matrix, by one search. A node holds for all values that its bound does not close,
/// a relaxation bounds them all, and a choice counts for every value it keeps.
/// </summary>
internal sealed class AllocationCurve
{
    // Choices of the nearest larger values to start from; those further away rarely lead anywhere new.
    private const int StartCount = 4;

    private readonly BranchAndBoundAllocator allocator;

    /// <summary>Creates a curve's solver.</summary>
    /// <param name="allocator">Solves one value; its limits hold for each.</param>
    public AllocationCurve(BranchAndBoundAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        this.allocator = allocator;
    }

    /// <summary>Solves for every value.</summary>
    /// <param name="problem">The problem; its other budgets hold for every value.</param>
    /// <param name="budget">Index of the budget that changes. Range: [0, budgets).</param>
    /// <param name="values">Values of that budget, in any order. Shape: [values].</param>
    /// <param name="cancellation">Stops early with the best choices so far.</param>
    /// <returns>The answers in the order of the values. Shape: [values].</returns>
    public IReadOnlyList<AllocationSolution> Solve(
        AllocationProblem problem, int budget, IReadOnlyList<long> values, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNegative(budget);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(budget, problem.Budgets.Count);
        long[] ascending = [.. values.Distinct().Order()];
        var (solutions, _) = allocator.Solve(new BudgetRange(problem, budget, ascending), null, cancellation);
        return [.. values.Select(value => solutions[Array.BinarySearch(ascending, value)])];
    }

    /// <summary>
    /// The choices that are best for some value of the budget: each costs less than the one before and has a higher objective.
    /// </summary>
    /// <param name="problem">The problem; the budget's value is where the list starts.</param>
    /// <param name="budget">Index of the budget that changes. Range: [0, budgets).</param>
    /// <param name="cancellation">Stops early with the list so far.</param>
    /// <returns>From the most expensive choice to the cheapest. Shape: [choices].</returns>
    public IReadOnlyList<AllocationSolution> Undominated(AllocationProblem problem, int budget, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentOutOfRangeException.ThrowIfNegative(budget);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(budget, problem.Budgets.Count);
        var solutions = new List<AllocationSolution>();
        long value = problem.Budgets[budget];
        while (!cancellation.IsCancellationRequested)
        {
            var limited = problem.With(budget, value);
            var starts = solutions.AsEnumerable().Reverse().Take(StartCount)
                .Select(s => RoundingHeuristic.Within(limited, s.Choice, cancellation)).OfType<int[]>();
            var solution = allocator.Solve(limited, starts, cancellation).Solution;
            if (solution.Choice.Length == 0)
            {
                break;
            }
            long cost = problem.CostsOf(solution.Choice)[budget];
            if (solutions.Count > 0 && solutions[^1].Objective >= solution.Objective)
            {
                // A tie at a lower cost takes the place of what it ties with.
                solutions.RemoveAt(solutions.Count - 1);
            }
            solutions.Add(solution);
            value = cost - 1;
        }
        return solutions;
    }
}
