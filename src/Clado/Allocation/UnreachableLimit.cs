using Clado.Allocation.Solver;

namespace Clado.Allocation;

/// <summary>What a choice of bits can be limited in.</summary>
internal enum LimitKind
{
    /// <summary>Bytes of the written file.</summary>
    FileBytes,

    /// <summary>Mean bits over the quantizable weights.</summary>
    BitsPerWeight,

    /// <summary>Bit operations an image: MACs × bits of the weight × bits of the activation.</summary>
    BitOperations,

    /// <summary>Layers that leave the operating point.</summary>
    Radius,

    /// <summary>The user's own costs.</summary>
    Cost,
}

/// <summary>The limit that no choice keeps.</summary>
/// <param name="Kind">What is limited.</param>
/// <param name="Value">The limit.</param>
/// <param name="Smallest">The least any choice reaches that keeps the limits it is held beside; null where that is not known.</param>
/// <param name="Beside">Limits it cannot be kept together with; empty where no choice keeps it alone. Shape: [limits].</param>
internal sealed record UnreachableLimit(LimitKind Kind, double Value, double? Smallest, IReadOnlyList<LimitKind> Beside)
{
    /// <summary>
    /// Finds out which limit of a problem without a choice it is: one that cannot be kept alone, else the first that cannot be kept
    /// beside those before it.
    /// </summary>
    /// <param name="problem">The problem; no choice keeps all its budgets.</param>
    /// <param name="kinds">What each budget is. Shape: [budgets].</param>
    /// <param name="cancellation">Ends early.</param>
    internal static UnreachableLimit? Find(AllocationProblem problem, IReadOnlyList<LimitKind> kinds, CancellationToken cancellation)
    {
        int[] all = [.. Enumerable.Range(0, kinds.Count)];
        int alone = Array.FindIndex(all, k => Breaks(problem, [k], cancellation));
        int broken = alone >= 0 ? alone : Array.FindIndex(all, k => Breaks(problem, all[..(k + 1)], cancellation));
        if (broken < 0)
        {
            return null;
        }
        int[] beside = alone >= 0 ? [] : all[..broken];
        return new(kinds[broken], problem.Budgets[broken], Least(problem, broken, beside, cancellation), [.. beside.Select(k => kinds[k])]);
    }

    private static bool Breaks(AllocationProblem problem, int[] budgets, CancellationToken cancellation) =>
        FeasibleChoice.Find(With(problem, null, budgets), cancellation) is { Choice: null, IsProven: true };

    /// <summary>The least of a budget's costs under others: a separable problem.</summary>
    private static double? Least(AllocationProblem problem, int budget, int[] beside, CancellationToken cancellation)
    {
        var solution = new AutomaticAllocator().Solve(With(problem, problem.Costs[budget], beside), cancellation);
        // Named as the smallest, so it has to be that exactly.
        return solution.Status == AllocationStatus.Optimal && solution.Gap == 0 ? solution.Objective : null;
    }

    /// <summary>A problem of some of its budgets, with costs for an objective.</summary>
    private static AllocationProblem With(AllocationProblem problem, long[]? objective, int[] budgets)
    {
        int n = problem.CandidateCount;
        var matrix = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            matrix[a * (n + 1)] = objective?[a] ?? 0;
        }
        var charges = problem.Charges is { } own && budgets.Contains(own.Budget) ? own.PaidBy(Array.IndexOf(budgets, own.Budget)) : null;
        return new AllocationProblem(
            matrix, problem.LayerOf, [.. budgets.Select(k => problem.Costs[k])], [.. budgets.Select(k => problem.Budgets[k])], charges);
    }
}
