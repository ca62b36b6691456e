using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class SolverTests
{
    [Fact]
    public void LocalSearchKeepsTheBudgetAndIsNeverBetterThanTheBest() => Problems.Small.Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var found = new LocalSearchAllocator().Solve(problem);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, found.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Assert.True(problem.IsFeasible(found.Choice));
            Assert.Equal(Enumerable.Range(0, problem.LayerCount), found.Choice.Select(a => problem.LayerOf[a]));
            Assert.Equal(problem.Objective(found.Choice), found.Objective);
            Assert.True(found.Objective >= best.Objective - Problems.Tolerance(problem));
            Assert.True(found.Bound <= best.Objective + Problems.Tolerance(problem), "the bound is above the optimum");
        }
    }, iter: 3000);

    [Fact]
    public void LocalSearchFindsTheBestOfNearlyAllSmallProblems()
    {
        // Local search proves nothing; this keeps it from getting worse unnoticed.
        int missed = 0, solved = 0;
        Problems.Small.Sample(problem =>
        {
            var best = new ExhaustiveAllocator().Solve(problem);
            if (best.Status != AllocationStatus.Infeasible)
            {
                solved++;
                missed += new LocalSearchAllocator().Solve(problem).Objective > best.Objective + 1e-9 ? 1 : 0;
            }
        }, iter: 2000, threads: 1, seed: "0000000000001");
        Assert.True(missed * 200 <= solved, $"{missed} of {solved} missed");
    }

    [Fact]
    public void InfeasibleExactlyWhenNoChoiceKeepsTheBudgets() => Problems.Small.Sample(problem =>
    {
        bool infeasible = new ExhaustiveAllocator().Solve(problem).Status == AllocationStatus.Infeasible;
        if (problem.Budgets.Count == 1)
        {
            Assert.Equal(Problems.LeastCost(problem) > problem.Budgets[0], infeasible);
        }
        IAllocator[] allocators =
        [
            new AutomaticAllocator(), new LocalSearchAllocator { StartCount = 1 }, new BranchAndBoundAllocator { ThreadCount = 1 },
        ];
        foreach (var allocator in allocators)
        {
            Assert.Equal(infeasible, allocator.Solve(problem).Status == AllocationStatus.Infeasible);
        }
    }, iter: 2000);

    [Fact]
    public void ALargerBudgetIsNeverWorse() => Gen.Select(Problems.Small, Gen.Long[0, 20]).Sample((problem, more) =>
    {
        var larger = new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, [.. problem.Budgets.Select(b => b + more)]);
        Assert.True(new ExhaustiveAllocator().Solve(larger).Objective <= new ExhaustiveAllocator().Solve(problem).Objective);
    });

    [Fact]
    public void TheReferenceIsThePlainDefinition() => Problems.Small.Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        if (best.Status != AllocationStatus.Infeasible)
        {
            var x = new double[problem.CandidateCount];
            foreach (int chosen in best.Choice)
            {
                x[chosen] = 1;
            }
            double sum = 0;
            for (int a = 0; a < x.Length; a++)
            {
                for (int b = 0; b < x.Length; b++)
                {
                    sum += x[a] * x[b] * problem.Matrix[(a * x.Length) + b];
                }
            }
            Assert.Equal(sum, best.Objective, 1e-9);
        }
    });

    [Fact]
    public void NumbersThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new AllocationProblem([1, 2], [0], [], []));
        Assert.Throws<ArgumentException>(() => new AllocationProblem([double.NaN], [0], [], []));
        Assert.Throws<ArgumentException>(() => new AllocationProblem([1], [1], [], []));
        Assert.Throws<ArgumentException>(() => new AllocationProblem([1], [0], [[-1]], [0]));
        Assert.Throws<ArgumentException>(() => new AllocationProblem([1], [0], [[1]], []));
    }

    [Fact]
    public void CancelledSearchReturnsAChoice()
    {
        var problem = Problems.Problem([2, 2], [.. Enumerable.Range(0, 16).Select(i => (double)i)], [[1, 2, 1, 2]], [1]);
        Assert.Equal(2, new LocalSearchAllocator().Solve(problem, new CancellationToken(canceled: true)).Choice.Length);
    }
}
