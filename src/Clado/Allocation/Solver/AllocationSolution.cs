namespace Clado.Allocation.Solver;

/// <summary>An answer to an <see cref="AllocationProblem"/>.</summary>
internal sealed record AllocationSolution
{
    /// <summary>What is known of it.</summary>
    public required AllocationStatus Status { get; init; }

    /// <summary>Chosen candidate of each layer; empty where infeasible or unknown. Shape: [layers].</summary>
    public required int[] Choice { get; init; }

    /// <summary><c>xᵀ G x</c>, recomputed from the choice; infinite where there is none.</summary>
    public required double Objective { get; init; }

    /// <summary>No choice within the budgets has an objective below this.</summary>
    public required double Bound { get; init; }

    /// <summary>(objective − bound) / |objective|: 0 where proven optimal. Range: [0, inf].</summary>
    public double Gap =>
        Objective <= Bound ? 0
        : Objective == 0 || double.IsInfinity(Objective) ? double.PositiveInfinity
        : (Objective - Bound) / Math.Abs(Objective);

    /// <summary>The answer without a choice.</summary>
    /// <param name="isProven">Whether no choice keeps the budgets; else none was found in time.</param>
    public static AllocationSolution None(bool isProven) => new()
    {
        Status = isProven ? AllocationStatus.Infeasible : AllocationStatus.Unknown,
        Choice = [],
        Objective = double.PositiveInfinity,
        Bound = isProven ? double.PositiveInfinity : double.NegativeInfinity,
    };

    /// <summary>An answer with its objective recomputed and its status set by the bound.</summary>
    public static AllocationSolution Of(AllocationProblem problem, int[] choice, double bound, double gapLimit = 0)
    {
        double objective = problem.Objective(choice);
        return new()
        {
            Status = objective - bound <= gapLimit * Math.Abs(objective) ? AllocationStatus.Optimal : AllocationStatus.Feasible,
            Choice = choice,
            Objective = objective,
            Bound = Math.Min(bound, objective),
        };
    }
}

/// <summary>A solver.</summary>
internal interface IAllocator
{
    /// <summary>Solves a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="cancellation">Stops early with the best choice so far.</param>
    AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default);
}
