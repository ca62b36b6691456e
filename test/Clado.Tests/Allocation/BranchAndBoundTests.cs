using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class BranchAndBoundTests
{
    private static readonly BranchAndBoundAllocator Allocator = new() { ThreadCount = 1 };

    private static readonly int[][] Shapes = [[3, 3, 3, 3, 3, 3, 3], [2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [7, 7, 7, 7], [1, 4, 3, 1, 5, 2, 4]];

    [Fact]
    public void EqualsExhaustiveSearchOnSmallProblems() =>
        Problems.Small.Sample(IsBest, iter: Problems.Iterations(3000));

    [Fact]
    public void EqualsExhaustiveSearchBeyondWhatItEnumerates() =>
        Gen.OneOf(Shapes.Select(Problems.Of).ToArray())
            .Sample(IsBest, iter: Problems.Iterations(500));

    private static void IsBest(AllocationProblem problem) =>
        Problems.IsBest(problem, new ExhaustiveAllocator().Solve(problem), Allocator.Solve(problem));

    [Fact]
    public void EqualsExhaustiveSearchAtTwelveLayersOfThreeWidths() =>
        Problems.Of([.. Enumerable.Repeat(3, 12)])
            .Sample(problem => Problems.IsBest(problem, new ExhaustiveAllocator().Solve(problem), Allocator.Solve(problem)), iter: 6);

    [Fact]
    public void AnyLimitLeavesAnHonestAnswer() => Gen.Select(Problems.Of([3, 3, 3, 3, 3, 3, 3]), Gen.Long[1, 20]).Sample((problem, nodes) =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var limited = new BranchAndBoundAllocator { NodeLimit = nodes, ThreadCount = 1 }.Solve(problem);
        var stopped = Allocator.Solve(problem, new CancellationToken(canceled: true));
        Assert.Equal(best.Status == AllocationStatus.Infeasible, limited.Status == AllocationStatus.Infeasible);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, stopped.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Problems.IsHonest(problem, best, limited);
            Problems.IsHonest(problem, best, stopped);
            Assert.Equal(limited.Gap <= 1e-6, limited.Status == AllocationStatus.Optimal);
        }
    }, iter: 200);

    [Fact]
    public void TheAnswerUnderANodeLimitDoesNotDependOnThreads() => Problems.Of([3, 3, 3, 3, 3, 3, 3, 3, 3]).Sample(problem =>
    {
        var one = new BranchAndBoundAllocator { NodeLimit = 20, ThreadCount = 1 }.Solve(problem);
        var two = new BranchAndBoundAllocator { NodeLimit = 20, ThreadCount = 2 }.Solve(problem);
        Assert.Equal(one.Choice, two.Choice);
        Assert.Equal(one.Bound, two.Bound);
    }, iter: 50);

    [Fact]
    public void ScalingTheMatrixScalesTheObjective() => Gen.Select(Problems.Small, Gen.Double[1e-6, 1e6]).Sample((problem, factor) =>
    {
        var scaled = new AllocationProblem([.. problem.Matrix.Select(g => factor * g)], problem.LayerOf, problem.Costs, problem.Budgets);
        double plain = Allocator.Solve(problem).Objective, found = Allocator.Solve(scaled).Objective;
        Assert.True(plain == found || Math.Abs((factor * plain) - found) <= Problems.Tolerance(scaled));
    }, iter: 300);

    [Fact]
    public void TheOrderOfTheLayersDoesNotMatter() => Gen.Select(
        Problems.Of([2, 3, 1, 4, 3, 3]), Gen.Shuffle(new[] { 0, 1, 2, 3, 4, 5 })).Sample((problem, order) =>
    {
        int[] rows = [.. order.SelectMany(problem.CandidatesOf)];
        int n = rows.Length;
        var shuffled = new AllocationProblem(
            [.. rows.SelectMany(a => rows.Select(b => problem.Matrix[(a * n) + b]))],
            [.. order.SelectMany((layer, position) => Enumerable.Repeat(position, problem.Start[layer + 1] - problem.Start[layer]))],
            [.. problem.Costs.Select(cost => rows.Select(a => cost[a]).ToArray())],
            problem.Budgets);
        double plain = Allocator.Solve(problem).Objective, found = Allocator.Solve(shuffled).Objective;
        Assert.True(plain == found || Math.Abs(plain - found) <= Problems.Tolerance(problem));
    }, iter: 300);

    [Fact]
    public void ALargerBudgetIsNeverWorse() => Gen.Select(Problems.Small, Gen.Long[0, 20]).Sample((problem, more) =>
    {
        var larger = new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, [.. problem.Budgets.Select(b => b + more)]);
        Assert.True(Allocator.Solve(larger).Objective <= Allocator.Solve(problem).Objective + Problems.Tolerance(problem));
    }, iter: Problems.Iterations(500));

    [Fact]
    public void PinnedLayersAreLayersWithFewerCandidates() => Gen.Select(
        Problems.Of([3, 3, 3, 3, 3, 3]), Gen.Int[0, 2].Array[3]).Sample((problem, pins) =>
    {
        bool Kept(int a) => problem.LayerOf[a] >= pins.Length || a - problem.Start[problem.LayerOf[a]] == pins[problem.LayerOf[a]];
        int[] rows = [.. Enumerable.Range(0, problem.CandidateCount).Where(Kept)];
        var pinned = new AllocationProblem(
            [.. rows.SelectMany(a => rows.Select(b => problem.Matrix[(a * problem.CandidateCount) + b]))],
            [.. rows.Select(a => problem.LayerOf[a])],
            [.. problem.Costs.Select(cost => rows.Select(a => cost[a]).ToArray())],
            problem.Budgets);
        Problems.IsBest(pinned, new ExhaustiveAllocator().Solve(pinned), Allocator.Solve(pinned));
    }, iter: Problems.Iterations(500));
}
