using Clado.Allocation.Solver;

namespace Clado.Studio;

/// <summary>
/// The best choice found in a time: branch and bound where it is likely to find one at once, local search where a single relaxation takes
/// longer. What it finds depends on the machine, so it says "best found" where it has no proof.
/// </summary>
internal sealed class QuickAllocator : IAllocator
{
    // What a person does not wait for.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(0.6);

    // A relaxation of this order takes some hundredth of a second.
    private const int LargestOrder = 120;

    /// <inheritdoc/>
    public AllocationSolution Solve(AllocationProblem problem, CancellationToken cancellation = default)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(Limit);
        bool isSmall = problem.CandidateCount - problem.LayerCount < LargestOrder || DynamicProgrammingAllocator.IsSeparable(problem);
        IAllocator allocator = isSmall ? new AutomaticAllocator() : new LocalSearchAllocator();
        return allocator.Solve(problem, limited.Token);
    }
}
