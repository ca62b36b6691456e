namespace Clado.Allocation.Solver;

/// <summary>Looks at every choice: the reference for all others, and the answer for tiny problems.</summary>
internal sealed class ExhaustiveAllocator : IAllocator
{
    /// <summary>Number of choices a problem has, as a floating-point number since it may be astronomic.</summary>
    /// <param name="problem">The problem.</param>
    public static double ChoiceCount(AllocationProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return Enumerable.Range(0, problem.LayerCount)
            .Aggregate(1.0, (product, layer) => product * (problem.Start[layer + 1] - problem.Start[layer]));
    }

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        int[] choice = problem.Start[..^1];
        int[]? best = null;
        double least = double.PositiveInfinity;
        do
        {
            if (cancellation.IsCancellationRequested)
            {
                return best is null
                    ? AllocationSolution.None(isProven: false)
                    : AllocationSolution.Of(problem, best, double.NegativeInfinity);
            }
            if (problem.IsFeasible(choice) && problem.Objective(choice) is var objective && (best is null || objective < least))
            {
                (best, least) = ([.. choice], objective);
            }
        }
        while (Next(problem, choice));
        return best is null ? AllocationSolution.None(isProven: true) : AllocationSolution.Of(problem, best, least);
    }

    /// <summary>Counts up like an odometer, the last layer fastest.</summary>
    private static bool Next(AllocationProblem problem, int[] choice)
    {
        for (int layer = choice.Length - 1; layer >= 0; layer--)
        {
            if (++choice[layer] < problem.Start[layer + 1])
            {
                return true;
            }
            choice[layer] = problem.Start[layer];
        }
        return false;
    }
}
