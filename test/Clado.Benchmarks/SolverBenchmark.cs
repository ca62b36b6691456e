using System.Diagnostics;
using System.Runtime.InteropServices;
using Clado.Allocation.Solver;

namespace Clado.Benchmarks;

/// <summary>The solver on measured and random matrices, beside what linear solvers make of them.</summary>
internal static class SolverBenchmark
{
    private const int Threads = 2, BudgetCount = 20, CurveCount = 50;

    // What each of the linear solvers may take; the prototype's comparison gave them 60 s.
    private static readonly TimeSpan ModelLimit = TimeSpan.FromSeconds(15);

    private static readonly BranchAndBoundAllocator Instances = new() { ThreadCount = Threads, TimeLimit = TimeSpan.FromSeconds(4) };
    private static readonly BranchAndBoundAllocator Random = new() { ThreadCount = Threads, TimeLimit = TimeSpan.FromSeconds(30) };
    private static readonly BranchAndBoundAllocator Curve = new() { ThreadCount = Threads, TimeLimit = TimeSpan.FromSeconds(1) };

    public static int Run(string[] parts)
    {
        Console.WriteLine($"{Processor()}, {Threads} threads, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}");
        foreach (var (name, part) in ((string, Action)[])[("projected", () => MeasuredInstances(true)), ("raw", () => MeasuredInstances(false)), ("random", RandomProblems), ("models", LinearModels), ("curve", Curves)])
        {
            if (parts.Length == 0 || parts.Contains(name))
            {
                Console.WriteLine();
                part();
            }
        }
        return 0;
    }

    private static void MeasuredInstances(bool projected)
    {
        Console.WriteLine($"| instance | matrix | proven of {BudgetCount} | median, s | worst, s | unproven: bits (gap) |\n|---|---|---|---|---|---|");
        foreach (var instance in SharedInstances.All())
        {
            var results = Enumerable.Range(0, BudgetCount).Select(i => 2.05 + (i * (7.9 - 2.05) / (BudgetCount - 1)))
                .Select(bits => (Bits: bits, Result: Timed(Instances, instance.Problem(projected, bits)))).ToArray();
            double[] seconds = [.. results.Select(r => r.Result.Seconds).Order()];
            var open = results.Where(r => r.Result.Solution.Status != AllocationStatus.Optimal).Select(r => $"{r.Bits:0.00} ({r.Result.Solution.Gap:0.0%})");
            Console.WriteLine($"| {instance.Name} | {(projected ? "projected" : "raw")} | {results.Length - open.Count()} | {seconds[BudgetCount / 2]:0.00} "
                + $"| {seconds[^1]:0.00} | {string.Join(", ", open)} |");
        }
    }

    private static void RandomProblems()
    {
        Console.WriteLine("| layers | seed | status | objective | bound | gap | nodes | seconds |\n|---|---|---|---|---|---|---|---|");
        foreach (var (layers, seeds) in ((int, int)[])[(20, 5), (54, 5), (100, 2), (200, 1), (500, 1)])
        {
            for (int seed = 1; seed <= seeds; seed++)
            {
                var (solution, nodes, seconds) = Timed(Random, RandomInstances.Create(layers, seed));
                Console.WriteLine($"| {layers} | {seed} | {solution.Status} | {solution.Objective:g6} | {solution.Bound:g6} | {solution.Gap:0.000%} | {nodes} | {seconds:0.0} |");
            }
        }
    }

    private static void LinearModels()
    {
        Console.WriteLine("| layers | seed | solver | objective | bound | seconds |\n|---|---|---|---|---|---|");
        foreach (int layers in (int[])[20, 54])
        {
            var problem = RandomInstances.Create(layers, 1);
            var (solution, _, seconds) = Timed(Random, problem);
            Console.WriteLine($"| {layers} | 1 | Clado | {solution.Objective:g6} | {solution.Bound:g6} | {seconds:0.0} |");
            foreach (var (name, solve) in LinearizedModels.Solvers)
            {
                var watch = Stopwatch.StartNew();
                var (objective, bound) = solve(problem, ModelLimit);
                Console.WriteLine($"| {layers} | 1 | {name} | {objective:g6} | {bound:g6} | {watch.Elapsed.TotalSeconds:0.0} |");
            }
        }
    }

    private static void Curves()
    {
        var instance = SharedInstances.All().Single(i => i.Name == "resnet56-feedback-additive-kl");
        var problem = instance.Problem(projected: true, 8);
        long[] values = [.. Enumerable.Range(0, CurveCount).Select(i => instance.Problem(true, 2.05 + (i * (7.9 - 2.05) / (CurveCount - 1))).Budgets[0])];
        var watch = Stopwatch.StartNew();
        var curve = new AllocationCurve(Curve).Solve(problem, 0, values);
        double together = watch.Elapsed.TotalSeconds;
        watch.Restart();
        var singles = values.Select(value => Curve.Solve(problem.With(0, value))).ToArray();
        Console.WriteLine($"| {CurveCount} budgets | seconds | proven | sum of objectives | median gap |\n|---|---|---|---|---|");
        Console.WriteLine(Row("curve", together, curve) + "\n" + Row("single solves", watch.Elapsed.TotalSeconds, singles));

        static string Row(string name, double seconds, IReadOnlyList<AllocationSolution> solutions) =>
            $"| {name} | {seconds:0.0} | {solutions.Count(s => s.Status == AllocationStatus.Optimal)} | {solutions.Sum(s => s.Objective):g6} | {solutions.Select(s => s.Gap).Order().ElementAt(solutions.Count / 2):0.0%} |";
    }

    private static (AllocationSolution Solution, long Nodes, double Seconds) Timed(BranchAndBoundAllocator allocator, AllocationProblem problem)
    {
        var watch = Stopwatch.StartNew();
        var (solution, nodes) = allocator.Solve(problem, null, CancellationToken.None);
        return (solution, nodes, watch.Elapsed.TotalSeconds);
    }

    private static string Processor() =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':') + 2)..]
            : RuntimeInformation.ProcessArchitecture.ToString();
}
