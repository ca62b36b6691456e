namespace Clado.Allocation.Solver;

/// <summary>Chooses the solver by the problem: every choice looked at where there are few, local search above.</summary>
public sealed class AutomaticAllocator : IAllocator
{
    // At some 10 million looks a second for a dozen layers: well under a second.
    private const double ExhaustiveLimit = 1e6;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        IAllocator allocator = ExhaustiveAllocator.ChoiceCount(problem) <= ExhaustiveLimit ? new ExhaustiveAllocator() : new LocalSearchAllocator();
        return allocator.Solve(problem, cancellation);
    }
}
