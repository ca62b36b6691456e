using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class DynamicProgrammingTests
{
    [Fact]
    public void EqualsExhaustiveSearch() => Problems.Small.Sample(problem =>
    {
        var separable = Problems.Separable(problem);
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
        int[] layerOf = [.. Enumerable.Range(0, cost.Length).Select(a => a / 3)];
        var problem = new AllocationProblem(matrix, layerOf, [cost], [layers * 1_000_000_000L]);
        var found = new DynamicProgrammingAllocator().Solve(problem, TestContext.Current.CancellationToken);
        Assert.Equal(AllocationStatus.Optimal, found.Status);
        // The knapsack's linear relaxation is off by less than one layer's worth.
        Assert.InRange(found.Objective - SeparableBound.Compute(problem), 0, 1);
        Assert.True(found.Objective <= new LocalSearchAllocator().Solve(problem, TestContext.Current.CancellationToken).Objective);
    }

    [Fact]
    public void BudgetsThatHaveNothingToDoWithOneAnotherEndInAnHonestAnswer()
    {
        var problem = Uncorrelated();
        // Hardly any partial choice beats another: without a limit their number grows until memory ends.
        var limited = new DynamicProgrammingAllocator { WorkLimit = 1e7 }.Solve(problem, TestContext.Current.CancellationToken);
        Assert.Equal(AllocationStatus.Feasible, limited.Status);
        var found = new AutomaticAllocator().Solve(problem, TestContext.Current.CancellationToken);
        Assert.Equal(AllocationStatus.Optimal, found.Status);
        foreach (var answer in (AllocationSolution[])[limited, found])
        {
            Assert.True(problem.IsFeasible(answer.Choice));
            Assert.True(answer.Bound <= found.Objective && found.Objective <= answer.Objective);
        }
    }

    [Fact]
    public void AnyLimitLeavesAnHonestAnswer() => Gen.Select(Problems.Small, Gen.Int[1, 200]).Sample((problem, limit) =>
    {
        var separable = Problems.Separable(problem);
        var best = new ExhaustiveAllocator().Solve(separable);
        var limited = new DynamicProgrammingAllocator { WorkLimit = limit }.Solve(separable);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, limited.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Problems.IsHonest(separable, best, limited);
            Assert.True(limited.Status != AllocationStatus.Optimal || limited.Objective <= best.Objective + Problems.Tolerance(separable));
        }
    }, iter: 1000);

    [Fact]
    public void AStopIsHeededInsideALayer()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var found = new DynamicProgrammingAllocator { WorkLimit = double.PositiveInfinity }.Solve(Uncorrelated(), stop.Token);
        Assert.Equal(AllocationStatus.Feasible, found.Status);
    }

    /// <summary>22 layers of 5 widths and two budgets whose costs are drawn apart.</summary>
    private static AllocationProblem Uncorrelated()
    {
        var random = new Random(1);
        const int layers = 22, widths = 5, n = layers * widths;
        var matrix = new double[n * n];
        var costs = new long[][] { new long[n], new long[n] };
        for (int a = 0; a < n; a++)
        {
            (costs[0][a], costs[1][a]) = (random.NextInt64(1_000_000), random.NextInt64(1_000_000));
            // What costs more of either is worth more.
            matrix[a * (n + 1)] = 2e6 - costs[0][a] - costs[1][a] + random.NextInt64(100_000);
        }
        int[] layerOf = [.. Enumerable.Range(0, n).Select(a => a / widths)];
        return new AllocationProblem(matrix, layerOf, costs, [layers * 400_000, layers * 400_000]);
    }

    [Fact]
    public void CrossTermsAreRefused() =>
        Assert.Throws<ArgumentException>(() =>
            new DynamicProgrammingAllocator().Solve(Problems.Problem([1, 1], [1, 1, 1, 1], [], []), TestContext.Current.CancellationToken));
}
