using System.Diagnostics;
using System.Text.Json;
using Clado.Allocation.Solver;
using Clado.Benchmarks;

(AllocationProblem, AllocationProblem) Read(string file, double bitsAverage)
{
    using var doc = JsonDocument.Parse(File.ReadAllText(file));
    double[] g = [.. doc.RootElement.GetProperty("G").EnumerateArray().Select(e => e.GetDouble())];
    long[] par = [.. doc.RootElement.GetProperty("parameters").EnumerateArray().Select(e => e.GetInt64())];
    int[] bits = [2, 4, 8];
    int n = par.Length * 3;
    long[] cost = [.. Enumerable.Range(0, n).Select(a => par[a / 3] * bits[a % 3])];
    int[] layer = [.. Enumerable.Range(0, n).Select(a => a / 3)];
    long budget = (long)(bitsAverage * par.Sum());
    return (new(g, layer, [cost], [budget]), new(Clado.Sensitivity.SpectralProjection.Project(g, n).Projected, layer, [cost], [budget]));
}

void Solve(string name, AllocationProblem p, double limit)
{
    var watch = Stopwatch.StartNew();
    var ls = new LocalSearchAllocator().Solve(p);
    double lsTime = watch.Elapsed.TotalSeconds;
    watch.Restart();
    var (s, nodes) = new BranchAndBoundAllocator { ThreadCount = 2, TimeLimit = TimeSpan.FromSeconds(limit) }.Solve(p, null, default);
    Console.WriteLine($"{name}: ls {ls.Objective:g6} ({lsTime:f2}s) {s.Status} {s.Objective:g6} bound {s.Bound:g6} gap {s.Gap:p4} nodes {nodes} {watch.Elapsed.TotalSeconds:f2}s");
}
double limit = args.Length > 2 && double.TryParse(args[2], out double lim) ? lim : 10;
if (args[0] == "random")
{
    foreach (int seed in new[] { 1, 2, 3 }) Solve($"n={args[1]} seed {seed}", RandomInstances.Problem(int.Parse(args[1]), seed, 4), limit);
}
if (args[0] is "raw" or "proj")
{
    foreach (var f in Directory.GetFiles("/work/shared/iqp-instances").Where(f => f.Contains(args[1])))
        foreach (double b in new[] { 2.05, 2.5, 3, 4, 6, 7.9 })
        {
            var (raw, pro) = Read(f, b);
            Solve(Path.GetFileName(f) + $" {b} {args[0]}", args[0] == "raw" ? raw : pro, limit);
        }
}
