using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

/// <summary>Laws of problems that pay for the kinds of candidates they use, against a look at every choice.</summary>
public class FixedChargeTests
{
    private static readonly BranchAndBoundAllocator Allocator = new() { ThreadCount = 1 };

    private static readonly Gen<AllocationProblem> Small = Problems.Charged(Problems.Small);

    // More choices than branch and bound looks at one by one.
    private static readonly Gen<AllocationProblem> Larger = Problems.Charged(Gen.OneOf(
        Problems.Of([3, 3, 3, 3, 3, 3, 3]), Problems.Of([2, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
        Problems.Of([4, 4, 4, 4, 4]), Problems.Of([1, 4, 3, 1, 5, 2, 4])));

    [Fact]
    public void TheReferencePaysForWhatIsUsed() => Small.Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var charges = problem.Charges!;
        double least = Problems.Choices(problem).Where(choice =>
        {
            var kinds = choice.Select(charges.KindOf).ToHashSet();
            return Enumerable.Range(0, problem.Budgets.Count).All(k => choice.Sum(a => problem.Costs[k][a])
                + (k == charges.Budget ? charges.Of(kinds.Sum(kind => 1 << kind)) : 0) <= problem.Budgets[k]);
        }).Select(choice => problem.Objective(choice)).Append(double.PositiveInfinity).Min();
        Assert.Equal(least, best.Objective);
    }, iter: Problems.Iterations(1000));

    [Fact]
    public void EqualsExhaustiveSearchOnSmallProblems() =>
        Small.Sample(IsBest, iter: Problems.Iterations(3000));

    [Fact]
    public void EqualsExhaustiveSearchBeyondWhatItEnumerates() =>
        Larger.Sample(IsBest, iter: Problems.Iterations(500));

    private static void IsBest(AllocationProblem problem) =>
        Problems.IsBest(problem, new ExhaustiveAllocator().Solve(problem), Allocator.Solve(problem));

    [Fact]
    public void SoItIsWithoutCrossTermsWhereCandidatesBeatOneAnother() => Gen.OneOf(
        Small, Larger).Select(Problems.Separable).Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        Problems.IsBest(problem, best, new DynamicProgrammingAllocator().Solve(problem));
        Problems.IsBest(problem, best, Allocator.Solve(problem));
    }, iter: Problems.Iterations(2000));

    [Fact]
    public void LocalSearchKeepsTheBudgetsAndFindsAChoiceWhereThereIsOne() => Small.Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var found = new LocalSearchAllocator().Solve(problem);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, found.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Problems.IsHonest(problem, best, found);
        }
    }, iter: Problems.Iterations(2000));

    [Fact]
    public void AnyLimitLeavesAnHonestAnswer() => Gen.Select(Larger, Gen.Long[1, 20]).Sample((problem, nodes) =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var limited = new BranchAndBoundAllocator { NodeLimit = nodes, ThreadCount = 1 }.Solve(problem);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, limited.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Problems.IsHonest(problem, best, limited);
        }
    }, iter: Problems.Iterations(200));

    [Fact]
    public void ALargerBudgetIsNeverWorse() => Gen.Select(Small, Gen.Long[0, 20]).Sample((problem, more) =>
    {
        var larger = problem.With(problem.Charges!.Budget, problem.Budgets[problem.Charges.Budget] + more);
        Assert.True(Allocator.Solve(larger).Objective <= Allocator.Solve(problem).Objective + Problems.Tolerance(problem));
    }, iter: Problems.Iterations(500));

    [Fact]
    public void EveryPointOfACurveIsTheBestForItsBudget() => Problems.Charged(Problems.Of([3, 3, 3, 3, 3, 3])).Sample(problem =>
    {
        long low = Problems.LeastCost(problem), span = Math.Max(8, problem.Budgets[0] - low);
        long[] values = [.. Enumerable.Range(0, 6).Select(i => low + (i * span / 5))];
        var curve = new AllocationCurve(Allocator).Solve(problem, 0, values);
        foreach (var (value, found) in values.Zip(curve))
        {
            var single = problem.With(0, value);
            Problems.IsBest(single, new ExhaustiveAllocator().Solve(single), found);
        }
    }, iter: Problems.Iterations(100));

    [Fact]
    public void GroupsPayOnceForTheirKind() => Problems.Of([3, 2, 3, 3, 2, 3]).Where(p => p.Budgets.Count > 0).Sample(problem =>
    {
        // As widths are: the same position in a layer is the same kind.
        int[] kindOf = [.. Enumerable.Range(0, problem.CandidateCount).Select(a => a - problem.Start[problem.LayerOf[a]])];
        var charges = new FixedCharges(0, kindOf,
            [.. Enumerable.Range(0, 8).Select(set => int.PopCount(set) * (problem.Costs[0].Max() / 4))]);
        problem = new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, problem.Budgets, charges);
        int[][] groups = [[0, 3], [1, 4]];
        var found = new LayerGroups(problem, groups).Solve(Allocator);
        double least = Problems.Choices(problem)
            .Where(choice => groups.All(group => group.Select(layer => choice[layer] - problem.Start[layer]).Distinct().Count() == 1))
            .Where(choice => problem.IsFeasible(choice)).Select(choice => problem.Objective(choice)).Append(double.PositiveInfinity).Min();
        Assert.Equal(double.IsInfinity(least), found.Status == AllocationStatus.Infeasible);
        if (found.Status != AllocationStatus.Infeasible)
        {
            Assert.True(problem.IsFeasible(found.Choice));
            Assert.Equal(least, found.Objective, Problems.Tolerance(problem));
        }
    }, iter: Problems.Iterations(300));

    [Fact]
    public void ASiblingBeatsACandidateOnlyWhereItsKindIsPaid()
    {
        // The second candidate of the first layer is better and no dearer, but for its kind's charge.
        var charges = new FixedCharges(0, [0, 1, 0], [0, 1, 5, 6]);
        var problem = new AllocationProblem([2, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 1], [[1, 1, 1]], [3], charges);
        bool[] unpaid = [true, true, true], paid = [true, true, true];
        CandidateReduction.ByDominance(problem, unpaid, paid: 1);
        CandidateReduction.ByDominance(problem, paid, paid: 3);
        Assert.Equal([true, true, true], unpaid);
        Assert.Equal([false, true, true], paid);
        Assert.Equal([0, 2], Allocator.Solve(problem, TestContext.Current.CancellationToken).Choice);
    }

    [Fact]
    public void ThePartsOfANodeHoldEveryChoiceOnceAndPayForWhatItUses() => Small.Sample(problem =>
    {
        bool[] all = [.. Enumerable.Repeat(true, problem.CandidateCount)];
        var parts = KindSplit.Parts(problem, new BranchNode(all, null, [0]), new double[problem.CandidateCount], null).ToArray();
        var charges = problem.Charges!;
        foreach (int[] choice in Problems.Choices(problem))
        {
            int used = charges.SetOf(choice);
            Assert.Single(parts, part => choice.All(a => part.Allowed[a]) && (part.Paid & ~used) == 0);
        }
    }, iter: 500);

    [Fact]
    public void ChargesThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new FixedCharges(0, [0], [0]));
        Assert.Throws<ArgumentException>(() => new FixedCharges(0, [0], [1, 1]));
        Assert.Throws<ArgumentException>(() => new FixedCharges(0, [0], [0, -1]));
        Assert.Throws<ArgumentException>(() => new FixedCharges(0, [0, 1], [0, 2, 3, 2]));
        Assert.Throws<ArgumentException>(() => new FixedCharges(0, [0], [0, 1, 1]));
        Assert.Throws<ArgumentException>(() => new AllocationProblem([1], [0], [], [], new FixedCharges(0, [0], [0, 1])));
    }
}
