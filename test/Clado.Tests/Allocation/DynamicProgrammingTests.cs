using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class DynamicProgrammingTests
{
    [Fact]
    public void EqualsExhaustiveSearch() => Problems.Small.Sample(problem =>
    {
        var separable = Separable(problem);
        Problems.IsBest(separable, new ExhaustiveAllocator().Solve(separable), new DynamicProgrammingAllocator().Solve(separable));
    }, iter: 3000);

    [Fact]
    public void ManyLayersOfManyBytesAreExact()
    {
        var random = new Random(1);
        const int layers = 150;
        var cost = new long[layers * 3];
        var matrix = new double[cost.Length * cost.Length];
        for (int a = 0; a < cost.Length; a++)
        {
            cost[a] = (a % 3 * 1_000_000_007L) + random.NextInt64(1_000_000_000);
            matrix[a * (cost.Length + 1)] = random.NextDouble() * Math.Pow(4, -(a % 3));
        }
        var problem = new AllocationProblem(matrix, [.. Enumerable.Range(0, cost.Length).Select(a => a / 3)], [cost], [layers * 1_000_000_000L]);
        var found = new DynamicProgrammingAllocator().Solve(problem, TestContext.Current.CancellationToken);
        Assert.Equal(AllocationStatus.Optimal, found.Status);
        // The knapsack's linear relaxation is off by less than one layer's worth.
        Assert.InRange(found.Objective - SeparableBound.Compute(problem), 0, 1);
        Assert.True(found.Objective <= new LocalSearchAllocator().Solve(problem, TestContext.Current.CancellationToken).Objective);
    }

    [Fact]
    public void CrossTermsAreRefused() =>
        Assert.Throws<ArgumentException>(() =>
            new DynamicProgrammingAllocator().Solve(Problems.Problem([1, 1], [1, 1, 1, 1], [], []), TestContext.Current.CancellationToken));

    private static AllocationProblem Separable(AllocationProblem problem)
    {
        int n = problem.CandidateCount;
        return new AllocationProblem(
            [.. problem.Matrix.Select((entry, i) => problem.LayerOf[i / n] == problem.LayerOf[i % n] ? entry : 0)], problem.LayerOf, problem.Costs, problem.Budgets);
    }
}
