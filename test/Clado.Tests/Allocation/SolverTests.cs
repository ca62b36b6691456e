using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

public class SolverTests
{
    /// <summary>Random problems of up to five layers and four widths; indefinite, degenerate and equal entries among them.</summary>
    private static readonly Gen<AllocationProblem> Problems =
        from sizes in Gen.Int[1, 4].Array[1, 5]
        let n = sizes.Sum()
        from entries in Gen.OneOf(Gen.Double[-1, 1], Gen.Int[-1, 1].Select(i => (double)i)).Array[n * n]
        from costs in Gen.Long[0, 20].Array[n]
        from budget in Gen.Long[0, 60]
        select Problem(sizes, entries, costs, budget);

    [Fact]
    public void LocalSearchKeepsTheBudgetAndIsNeverBetterThanTheBest() => Problems.Sample(problem =>
    {
        var best = new ExhaustiveAllocator().Solve(problem);
        var found = new LocalSearchAllocator().Solve(problem);
        Assert.Equal(best.Status == AllocationStatus.Infeasible, found.Status == AllocationStatus.Infeasible);
        if (best.Status != AllocationStatus.Infeasible)
        {
            Assert.True(problem.IsFeasible(found.Choice));
            Assert.Equal(Enumerable.Range(0, problem.LayerCount), found.Choice.Select(a => problem.LayerOf[a]));
            Assert.Equal(problem.Objective(found.Choice), found.Objective);
            Assert.True(found.Objective >= best.Objective - 1e-9);
            Assert.True(found.Bound <= best.Objective + 1e-9, "the bound is above the optimum");
        }
    }, iter: 3000);

    [Fact]
    public void LocalSearchFindsTheBestOfNearlyAllSmallProblems()
    {
        // Local search proves nothing; this keeps it from getting worse unnoticed.
        int missed = 0, solved = 0;
        Problems.Sample(problem =>
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
    public void InfeasibleExactlyWhenTheSmallestChoiceBreaksTheBudget() => Problems.Sample(problem =>
        Assert.Equal(problem.SmallestCosts()[0] > problem.Budgets[0], new AutomaticAllocator().Solve(problem).Status == AllocationStatus.Infeasible));

    [Fact]
    public void ALargerBudgetIsNeverWorse() => Gen.Select(Problems, Gen.Long[0, 20]).Sample((problem, more) =>
    {
        var larger = new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, [problem.Budgets[0] + more]);
        Assert.True(new ExhaustiveAllocator().Solve(larger).Objective <= new ExhaustiveAllocator().Solve(problem).Objective);
    });

    [Fact]
    public void TheReferenceIsThePlainDefinition() => Problems.Sample(problem =>
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
        var problem = Problem([2, 2], [.. Enumerable.Range(0, 16).Select(i => (double)i)], [1, 2, 1, 2], 4);
        Assert.Equal(2, new LocalSearchAllocator().Solve(problem, new CancellationToken(canceled: true)).Choice.Length);
    }

    private static AllocationProblem Problem(int[] sizes, double[] entries, long[] costs, long budget)
    {
        int n = sizes.Sum();
        var matrix = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                matrix[(a * n) + b] = matrix[(b * n) + a] = entries[(a * n) + b];
            }
        }
        return new AllocationProblem(matrix, [.. sizes.SelectMany((size, layer) => Enumerable.Repeat(layer, size))], [costs], [budget]);
    }
}
