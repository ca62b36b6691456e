using System.Globalization;
using Clado.Allocation;
using Clado.Allocation.Solver;
using CsCheck;
using Xunit;

namespace Clado.Tests.Allocation;

/// <summary>Random problems and what every answer to one must keep.</summary>
internal static class Problems
{
    /// <summary>Relative to the largest entry and the number of layers: sums in another order differ by this.</summary>
    public const double Rounding = 1e-9;

    /// <summary>How many problems a law is tried on: the environment variable CLADO_LAW_ITERATIONS, or the usual number.</summary>
    public static int Iterations(int usual) =>
        int.TryParse(
            Environment.GetEnvironmentVariable("CLADO_LAW_ITERATIONS"), NumberStyles.None, CultureInfo.InvariantCulture, out int given)
            ? given : usual;

    /// <summary>Up to six layers of up to four widths and three budgets: indefinite, semidefinite, degenerate, all equal.</summary>
    public static readonly Gen<AllocationProblem> Small =
        from sizes in Gen.Int[1, 4].Array[1, 6]
        from problem in Of(sizes)
        select problem;

    /// <summary>Problems with these numbers of candidates a layer.</summary>
    public static Gen<AllocationProblem> Of(int[] sizes) =>
        from entries in Gen.OneOf(Gen.Double[-1, 1], Gen.Int[-1, 1].Select(i => (double)i), Gen.Const(0.5)).Array[sizes.Sum() * sizes.Sum()]
        from semidefinite in Gen.Bool
        from costs in Gen.OneOf(Gen.Long[0, 20], Gen.Long[0, 1], Gen.Long[0, 1L << 40]).Array[sizes.Sum()].Array[0, 3]
        from tightness in Gen.Double[-0.1, 1].Array[costs.Length]
        select Problem(sizes, semidefinite ? Square(entries, sizes.Sum()) : entries, costs, tightness);

    /// <summary>A problem whose budgets lie between the smallest and the largest cost; entries below the diagonal count.</summary>
    public static AllocationProblem Problem(int[] sizes, double[] entries, long[][] costs, double[] tightness)
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
        int[] layerOf = [.. sizes.SelectMany((size, layer) => Enumerable.Repeat(layer, size))];
        long Sum(long[] cost, Func<IEnumerable<long>, long> pick) => cost.Zip(layerOf).GroupBy(c => c.Second, c => c.First).Sum(pick);
        return new AllocationProblem(matrix, layerOf, costs, [.. costs.Zip(tightness, (cost, share) =>
            Sum(cost, c => c.Min()) + (long)Math.Floor(share * (Sum(cost, c => c.Max()) - Sum(cost, c => c.Min()))))]);
    }

    /// <summary>
    /// The same problems with charges on one of their budgets: up to four kinds, sets of which are charged anything that does not fall.
    /// </summary>
    public static Gen<AllocationProblem> Charged(Gen<AllocationProblem> problems) =>
        from problem in problems.Where(p => p.Budgets.Count > 0)
        from kindCount in Gen.Int[1, 4]
        from kinds in Gen.Int[0, kindCount - 1].Array[problem.CandidateCount]
        from shares in Gen.Int[0, 8].Array[1 << kindCount]
        from budget in Gen.Int[0, problem.Budgets.Count - 1]
        let charges = Charges(problem, budget, kinds, shares)
        select new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, problem.Budgets, charges);

    private static FixedCharges Charges(AllocationProblem problem, int budget, int[] kinds, int[] shares)
    {
        // In the order of the costs, so that they decide something.
        long unit = Math.Max(1, problem.Costs[budget].Max() / 8);
        var ofSet = new long[shares.Length];
        for (int set = 1; set < ofSet.Length; set++)
        {
            long least = Enumerable.Range(0, int.Log2(shares.Length)).Max(kind => ofSet[set & ~(1 << kind)]);
            ofSet[set] = least + (shares[set] * unit / 4);
        }
        return new FixedCharges(budget, kinds, ofSet);
    }

    /// <summary>
    /// The answer is a choice within the budgets with its own objective and a bound that is none too high, and as good as the reference's.
    /// </summary>
    public static void IsBest(AllocationProblem problem, AllocationSolution reference, AllocationSolution found)
    {
        Assert.Equal(reference.Status, found.Status);
        if (reference.Status != AllocationStatus.Infeasible)
        {
            IsHonest(problem, reference, found);
            double most = reference.Objective + Tolerance(problem);
            Assert.True(found.Objective <= most, $"{found.Objective} is above the least, {reference.Objective}");
        }
    }

    /// <summary>The answer keeps the budgets, has one width a layer, and its bound is not above the least objective.</summary>
    public static void IsHonest(AllocationProblem problem, AllocationSolution reference, AllocationSolution found)
    {
        Assert.True(problem.IsFeasible(found.Choice));
        Assert.Equal(Enumerable.Range(0, problem.LayerCount), found.Choice.Select(a => problem.LayerOf[a]));
        Assert.Equal(problem.Objective(found.Choice), found.Objective);
        Assert.True(found.Bound <= found.Objective);
        double most = reference.Objective + Tolerance(problem);
        Assert.True(found.Bound <= most, $"the bound {found.Bound} is above the least, {reference.Objective}");
    }

    /// <summary>The problem without entries between layers.</summary>
    public static AllocationProblem Separable(AllocationProblem problem)
    {
        int n = problem.CandidateCount;
        return new AllocationProblem(
            [.. problem.Matrix.Select((entry, i) => problem.LayerOf[i / n] == problem.LayerOf[i % n] ? entry : 0)],
            problem.LayerOf, problem.Costs, problem.Budgets, problem.Charges);
    }

    /// <summary>Every choice, whatever it costs. Shape: [choices][layers].</summary>
    public static IEnumerable<int[]> Choices(AllocationProblem problem) =>
        Enumerable.Range(0, problem.LayerCount).Aggregate((IEnumerable<int[]>)[[]], (choices, layer) => choices.SelectMany(choice =>
            Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Select(a => (int[])[.. choice, a])));

    /// <summary>The least a choice costs of the first budget, charges left out.</summary>
    public static long LeastCost(AllocationProblem problem) =>
        Enumerable.Range(0, problem.LayerCount).Sum(layer => problem.Costs[0][problem.Start[layer]..problem.Start[layer + 1]].Min());

    public static double Tolerance(AllocationProblem problem) =>
        (Rounding + 1e-6) * problem.LayerCount * problem.LayerCount * problem.Matrix.Max(Math.Abs);

    private static double[] Square(double[] entries, int n)
    {
        var square = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b < n; b++)
            {
                square[(a * n) + b] = Enumerable.Range(0, n).Sum(k => entries[(a * n) + k] * entries[(b * n) + k]);
            }
        }
        return square;
    }
}
