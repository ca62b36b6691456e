using Clado.Allocation.Solver;
using Google.OrTools.LinearSolver;
using Google.OrTools.Sat;

namespace Clado.Benchmarks;

/// <summary>
/// The same problem for solvers of linear objectives: one more variable for every product of two candidates of different layers. The
/// products of a candidate with all candidates of one other layer add up to the candidate (Adams and Sherali, Management Science 32, 1986),
/// which is tighter than an inequality for each product.
/// </summary>
internal static class LinearizedModels
{
    // CP-SAT takes whole numbers: the largest coefficient becomes this.
    private const double LargestCoefficient = 1e9;

    public static (string Name, Func<AllocationProblem, TimeSpan, (double Objective, double Bound)> Solve)[] Solvers { get; } =
    [
        ("CP-SAT", SolveSat),
        ("SCIP", (problem, limit) => SolveLinear("SCIP", problem, limit)),
        ("HiGHS", (problem, limit) => SolveLinear("HIGHS", problem, limit)),
    ];

    private static (double, double) SolveSat(AllocationProblem problem, TimeSpan limit)
    {
        var model = new CpModel();
        BoolVar[] x = [.. Enumerable.Range(0, problem.CandidateCount).Select(a => model.NewBoolVar($"x{a}"))];
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            model.AddExactlyOne(x[problem.Start[layer]..problem.Start[layer + 1]]);
        }
        foreach (var (cost, budget) in problem.Costs.Zip(problem.Budgets))
        {
            model.Add(Google.OrTools.Sat.LinearExpr.WeightedSum(x, cost) <= budget);
        }
        var (terms, weights) = (new List<BoolVar>(), new List<long>());
        double scale = LargestCoefficient / problem.Matrix.Max(Math.Abs);
        var products = new Dictionary<(int, int), BoolVar>();
        foreach (var (a, b, coefficient) in Products(problem))
        {
            var product = a == b ? x[a] : products[(a, b)] = products[(b, a)] = model.NewBoolVar($"p{a},{b}");
            terms.Add(product);
            weights.Add((long)Math.Round(scale * coefficient));
        }
        foreach (var (candidate, others) in Sums(problem))
        {
            model.Add(Google.OrTools.Sat.LinearExpr.Sum(others.Select(other => products[(candidate, other)])) == x[candidate]);
        }
        model.Minimize(Google.OrTools.Sat.LinearExpr.WeightedSum(terms, weights));
        var solver = new CpSolver { StringParameters = $"max_time_in_seconds:{limit.TotalSeconds},num_workers:2" };
        var status = solver.Solve(model);
        return (status is CpSolverStatus.Optimal or CpSolverStatus.Feasible ? solver.ObjectiveValue / scale
            : double.PositiveInfinity, solver.BestObjectiveBound / scale);
    }

    private static (double, double) SolveLinear(string name, AllocationProblem problem, TimeSpan limit)
    {
        using var solver = Solver.CreateSolver(name);
        if (solver is null)
        {
            return (double.NaN, double.NaN);
        }
        Variable[] x = [.. Enumerable.Range(0, problem.CandidateCount).Select(a => solver.MakeBoolVar($"x{a}"))];
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            var one = solver.MakeConstraint(1, 1);
            foreach (var candidate in x[problem.Start[layer]..problem.Start[layer + 1]])
            {
                one.SetCoefficient(candidate, 1);
            }
        }
        foreach (var (cost, budget) in problem.Costs.Zip(problem.Budgets))
        {
            var kept = solver.MakeConstraint(double.NegativeInfinity, budget);
            for (int a = 0; a < x.Length; a++)
            {
                kept.SetCoefficient(x[a], cost[a]);
            }
        }
        var objective = solver.Objective();
        var products = new Dictionary<(int, int), Variable>();
        foreach (var (a, b, coefficient) in Products(problem))
        {
            var product = a == b ? x[a] : products[(a, b)] = products[(b, a)] = solver.MakeNumVar(0, 1, "");
            objective.SetCoefficient(product, coefficient);
        }
        foreach (var (candidate, others) in Sums(problem))
        {
            var sum = solver.MakeConstraint(0, 0);
            sum.SetCoefficient(x[candidate], -1);
            foreach (int other in others)
            {
                sum.SetCoefficient(products[(candidate, other)], 1);
            }
        }
        objective.SetMinimization();
        solver.SetTimeLimit((long)limit.TotalMilliseconds);
        var status = solver.Solve();
        return (status is Solver.ResultStatus.OPTIMAL or Solver.ResultStatus.FEASIBLE ? objective.Value()
            : double.PositiveInfinity, objective.BestBound());
    }

    /// <summary>
    /// Every candidate, with the candidates of every other layer: exactly one of these products is 1 where the candidate is.
    /// </summary>
    private static IEnumerable<(int Candidate, IEnumerable<int> Others)> Sums(AllocationProblem problem) =>
        from a in Enumerable.Range(0, problem.CandidateCount)
        from layer in Enumerable.Range(0, problem.LayerCount)
        where layer != problem.LayerOf[a]
        select (a, Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]));

    private static IEnumerable<(int A, int B, double Coefficient)> Products(AllocationProblem problem) =>
        from a in Enumerable.Range(0, problem.CandidateCount)
        from b in Enumerable.Range(0, a + 1)
        where a == b || problem.LayerOf[a] != problem.LayerOf[b]
        select (a, b, (a == b ? 1 : 2) * problem.Matrix[(a * problem.CandidateCount) + b]);
}
