using System.Diagnostics;
using Clado.Tests.Support;

namespace Clado.Benchmarks;

/// <summary>Damages a run folder many times over; each time every verb must give the undamaged result or refuse in one line.</summary>
internal static class FolderFuzzingBenchmark
{
    /// <summary>Runs over seeds 0 to <paramref name="count"/>, damaged, or forged with checksums that fit.</summary>
    public static int Run(int count, bool forged)
    {
        using FolderFuzzing classes = new("kl"), parts = new("mse");
        var watch = Stopwatch.StartNew();
        var outcomes = new Dictionary<string, (int Count, string Example)>();
        int failures = 0;
        for (int seed = 0; seed < count; seed++)
        {
            var fuzzing = seed % 2 == 0 ? classes : parts;
            var (damage, outcome) = forged ? fuzzing.TryForged(seed) : fuzzing.Try(seed);
            if (!outcome.StartsWith("same", StringComparison.Ordinal) && !outcome.StartsWith("refused", StringComparison.Ordinal))
            {
                failures++;
                Console.WriteLine($"seed {seed}, {damage}: {outcome}");
            }
            var known = outcomes.TryGetValue(outcome, out var before) ? before : (Count: 0, Example: $"{damage} (seed {seed})");
            outcomes[outcome] = known with { Count = known.Count + 1 };
        }
        Console.WriteLine(
            $"{count:N0} {(forged ? "forgeries" : "damages")} in {watch.Elapsed.TotalMinutes:0.0} min, {failures} failures; peak "
                + $"{Environment.WorkingSet >> 20} MiB\n");
        Console.WriteLine(
            forged ? "Outcomes of allocate, export, report, sweep, then measure, then allocate:\n"
                : "Outcomes of allocate, export, report, then measure, then allocate, export, report:\n");
        Console.WriteLine("| outcome | number | such as |\n|---|---|---|");
        foreach (var (outcome, (times, example)) in outcomes.OrderByDescending(o => o.Value.Count))
        {
            Console.WriteLine($"| {outcome} | {times:N0} | {example} |");
        }
        return failures == 0 ? 0 : 1;
    }
}
