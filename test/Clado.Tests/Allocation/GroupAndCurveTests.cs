using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class GroupAndCurveTests
{
    private static readonly BranchAndBoundAllocator Allocator = new() { ThreadCount = 1 };

    [Fact]
    public void GroupsShareAWidthAndAreTheBestThatDo() => Problems.Of([3, 2, 3, 3, 2, 3]).Sample(problem =>
    {
        int[][] groups = [[0, 3], [1, 4]];
        var found = new LayerGroups(problem, groups).Solve(Allocator);
        int Position(int[] choice, int layer) => choice[layer] - problem.Start[layer];
        bool Shares(int[] choice) => groups.All(group => group.Select(layer => Position(choice, layer)).Distinct().Count() == 1);
        double least = Problems.Choices(problem).Where(Shares).Where(c => problem.IsFeasible(c)).Select(c => problem.Objective(c))
            .Append(double.PositiveInfinity).Min();
        Assert.Equal(double.IsInfinity(least), found.Status == AllocationStatus.Infeasible);
        if (found.Status != AllocationStatus.Infeasible)
        {
            Assert.True(Shares(found.Choice) && problem.IsFeasible(found.Choice));
            Assert.Equal(problem.Objective(found.Choice), found.Objective);
            Assert.Equal(least, found.Objective, Problems.Tolerance(problem));
        }
    }, iter: 500);

    [Fact]
    public void GroupsThatCannotShareAreRefused()
    {
        var problem = Problems.Problem([2, 3], new double[25], [], []);
        Assert.Throws<ArgumentException>(() => new LayerGroups(problem, [[0, 1]]));
        Assert.Throws<ArgumentException>(() => new LayerGroups(problem, [[0], [0]]));
        Assert.Throws<ArgumentException>(() => new LayerGroups(problem, [[2]]));
    }

    [Fact]
    public void EveryPointOfACurveIsTheBestForItsBudget() =>
        Problems.Of([3, 3, 3, 3, 3]).Where(problem => problem.Budgets.Count > 0).Sample(problem =>
        {
            long low = Problems.LeastCost(problem), span = problem.Budgets[0] - low;
            long[] values = [low - 1, low, low + (span / 3), problem.Budgets[0], low + (span / 2)];
            var curve = new AllocationCurve(Allocator).Solve(problem, 0, values);
            foreach (var (value, found) in values.Zip(curve))
            {
                var single = problem.With(0, value);
                Problems.IsBest(single, new ExhaustiveAllocator().Solve(single), found);
            }
        }, iter: 200);

    [Theory]
    [InlineData(100, null)]
    // Probing overflows in a part without choices.
    [InlineData(1, "6H5rscPJxtb5")]
    public void ACurveIsAsGoodAsSingleSolvesAndNeverRises(long count, string? seed) =>
        Problems.Of([3, 3, 3, 3, 3, 3, 3, 3]).Where(problem => problem.Budgets.Count > 0).Sample(problem =>
        {
            long low = Problems.LeastCost(problem), span = Math.Max(8, problem.Budgets[0] - low);
            long[] values = [.. Enumerable.Range(0, 8).Select(i => low + (i * span / 7))];
            var curve = new AllocationCurve(Allocator).Solve(problem, 0, values);
            foreach (var (value, found) in values.Zip(curve))
            {
                var single = problem.With(0, value);
                Problems.IsBest(single, Allocator.Solve(single), found);
            }
            Assert.True(curve.Zip(curve.Skip(1)).All(pair => pair.Second.Objective <= pair.First.Objective + Problems.Tolerance(problem)));
        }, iter: count, seed: seed);

    [Fact]
    public void TheUndominatedChoicesAreThoseOfExhaustiveSearch() =>
        Problems.Of([3, 3, 3, 3]).Where(problem => problem.Budgets.Count == 1).Sample(problem =>
        {
            var all = Problems.Choices(problem).Where(c => problem.IsFeasible(c))
                .Select(c => (Cost: problem.CostsOf(c)[0], Objective: problem.Objective(c))).ToArray();
            double tolerance = Problems.Tolerance(problem);
            foreach (var found in new AllocationCurve(Allocator).Undominated(problem, 0))
            {
                long cost = problem.CostsOf(found.Choice)[0];
                Assert.DoesNotContain(all, other => other.Cost <= cost && other.Objective < found.Objective - tolerance);
            }
        }, iter: 100);
}
