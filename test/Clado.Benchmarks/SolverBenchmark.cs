using System.Diagnostics;
using System.Runtime.InteropServices;
using Clado.Allocation;
using Clado.Allocation.Solver;

namespace Clado.Benchmarks;

/// <summary>The solver on measured and random matrices, beside what linear solvers make of them.</summary>
internal static class SolverBenchmark
{
    private const int Threads = 2, BudgetCount = 20, CurveCount = 50;

    // 300 bytes.
    private const long FunctionBits = 2400;

    // What each of the linear solvers may take; as in the prototype's comparison.
    private static readonly TimeSpan ModelLimit = TimeSpan.FromSeconds(60);

    private static readonly BranchAndBoundAllocator Instances = new() { ThreadCount = Threads, TimeLimit = TimeSpan.FromSeconds(60) };
    private static readonly BranchAndBoundAllocator Random = new() { ThreadCount = Threads, TimeLimit = TimeSpan.FromSeconds(30) };

    public static int Run(string[] parts)
    {
        Console.WriteLine(
            $"{Processor()}, {Threads} threads, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}");
        foreach (var (name, part) in ((string, Action)[])[
            ("projected", () => MeasuredInstances("projected", (instance, bits) => instance.Problem(projected: true, bits))),
            ("raw", () => MeasuredInstances("raw", (instance, bits) => instance.Problem(projected: false, bits))),
            ("charged", () =>
            {
                MeasuredInstances("projected, charged", (instance, bits) => Charged(instance.Problem(projected: true, bits)));
                MeasuredInstances("raw, charged", (instance, bits) => Charged(instance.Problem(projected: false, bits)));
            }),
            ("random", RandomProblems), ("models", LinearModels), ("curve", Curves),
        ])
        {
            if (parts.Length == 0 || parts.Contains(name))
            {
                Console.WriteLine();
                part();
            }
        }
        return 0;
    }

    /// <summary>Every width that is used pays for a function of some hundred bytes, as in a file.</summary>
    private static AllocationProblem Charged(AllocationProblem problem)
    {
        int widths = RandomInstances.Bits.Length;
        var charges = new FixedCharges(
            0, [.. Enumerable.Range(0, problem.CandidateCount).Select(a => a % widths)],
            [.. Enumerable.Range(0, 1 << widths).Select(set => FunctionBits * int.PopCount(set))]);
        return new AllocationProblem(problem.Matrix, problem.LayerOf, problem.Costs, problem.Budgets, charges);
    }

    private static void MeasuredInstances(string matrix, Func<SharedInstances, double, AllocationProblem> problem)
    {
        Console.WriteLine(
            $"| instance | matrix | proven of {BudgetCount} | median, s | worst, s | median, cpu s | worst, cpu s | over 10 s: bits | "
                + $"unproven: bits (gap) |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var instance in SharedInstances.All())
        {
            var results = Enumerable.Range(0, BudgetCount).Select(i => 2.05 + (i * (7.9 - 2.05) / (BudgetCount - 1)))
                .Select(bits => (Bits: bits, Result: Timed(Instances, problem(instance, bits)))).ToArray();
            double[] seconds = [.. results.Select(r => r.Result.Seconds).Order()],
                work = [.. results.Select(r => r.Result.ProcessorSeconds).Order()];
            var slow = results.Where(r => r.Result.Seconds > 10).Select(r => $"{r.Bits:0.00}");
            var open = results.Where(r => r.Result.Solution.Status != AllocationStatus.Optimal)
                .Select(r => $"{r.Bits:0.00} ({r.Result.Solution.Gap:0.0%})");
            Console.WriteLine($"| {instance.Name} | {matrix} | {results.Length - open.Count()} | {seconds[BudgetCount / 2]:0.00} "
                + $"| {seconds[^1]:0.00} | {work[BudgetCount / 2]:0.00} | {work[^1]:0.00} | {string.Join(", ", slow)} | "
                + $"{string.Join(", ", open)} |");
        }
    }

    private static void RandomProblems()
    {
        Console.WriteLine(
            "| layers | seed | status | objective | bound | gap | nodes | seconds | cpu s |\n|---|---|---|---|---|---|---|---|---|");
        foreach (var (layers, seeds) in ((int, int)[])[(20, 5), (54, 5), (100, 5), (200, 5), (500, 1)])
        {
            for (int seed = 1; seed <= seeds; seed++)
            {
                var (solution, nodes, seconds, processor) = Timed(Random, RandomInstances.Create(layers, seed));
                Console.WriteLine(
                    $"| {layers} | {seed} | {solution.Status} | {solution.Objective:g6} | {solution.Bound:g6} | {solution.Gap:0.000%} | "
                        + $"{nodes} | {seconds:0.0} | {processor:0.0} |");
            }
        }
    }

    private static void LinearModels()
    {
        Console.WriteLine("| layers | seed | solver | objective | bound | seconds | cpu s |\n|---|---|---|---|---|---|---|");
        foreach (int layers in (int[])[20, 54, 100])
        {
            var problem = RandomInstances.Create(layers, 1);
            var (solution, _, seconds, processor) = Timed(Random, problem);
            Console.WriteLine(
                $"| {layers} | 1 | Clado | {solution.Objective:g6} | {solution.Bound:g6} | {seconds:0.0} | {processor:0.0} |");
            foreach (var (name, solve) in LinearizedModels.Solvers)
            {
                var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
                var (objective, bound) = solve(problem, ModelLimit);
                Console.WriteLine(
                    $"| {layers} | 1 | {name} | {objective:g6} | {bound:g6} | {watch.Elapsed.TotalSeconds:0.0} | "
                        + $"{(Environment.CpuUsage.TotalTime - before).TotalSeconds:0.0} |");
            }
        }
    }

    private static void Curves()
    {
        var instance = SharedInstances.All().Single(i => i.Name == "resnet56-feedback-additive-kl");
        var problem = instance.Problem(projected: true, 8);
        long[] values = [.. Enumerable.Range(0, CurveCount)
            .Select(i => instance.Problem(true, 2.05 + (i * (7.9 - 2.05) / (CurveCount - 1))).Budgets[0])];
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var curve = new AllocationCurve(Instances).Solve(problem, 0, values);
        var (together, work) = (watch.Elapsed, Environment.CpuUsage.TotalTime - before);
        (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var singles = values.Select(value => Instances.Solve(problem.With(0, value))).ToArray();
        Console.WriteLine($"| {CurveCount} budgets | seconds | cpu s | proven | sum of objectives |\n|---|---|---|---|---|");
        Console.WriteLine(
            Row("curve", together, work, curve) + "\n"
                + Row("single solves", watch.Elapsed, Environment.CpuUsage.TotalTime - before, singles));

        static string Row(string name, TimeSpan time, TimeSpan processor, IReadOnlyList<AllocationSolution> solutions) =>
            $"| {name} | {time.TotalSeconds:0.0} | {processor.TotalSeconds:0.0} | "
                + $"{solutions.Count(s => s.Status == AllocationStatus.Optimal)} | {solutions.Sum(s => s.Objective):g8} |";
    }

    private static (AllocationSolution Solution, long Nodes, double Seconds, double ProcessorSeconds) Timed(
        BranchAndBoundAllocator allocator, AllocationProblem problem)
    {
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var (solution, nodes) = allocator.Solve(problem, null, CancellationToken.None);
        return (solution, nodes, watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    private static string Processor() =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':') + 2)..]
            : RuntimeInformation.ProcessArchitecture.ToString();
}
