using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Clado.Graphs;
using Clado.Layers;
using Clado.Tests.Support;

namespace Clado.Benchmarks;

/// <summary>
/// Reads many broken models: each must be read, or refused with an error that names the file. Readers are processes of their own, so that
/// one that dies or hangs costs its file and no more.
/// </summary>
internal static class FuzzingBenchmark
{
    private const int Slow = 1000, Look = 1000;

    // In processor time a reader that computes for ever; by the clock one that waits for ever, on however busy a machine.
    private static readonly TimeSpan HungComputing = TimeSpan.FromSeconds(30), HungWaiting = TimeSpan.FromMinutes(10);

    private static readonly string[] Models = ["models/mlperf_resnet8_cifar10.onnx", "models/resnet20_cifar10.onnx",
        "models/vit_cifar10.onnx", "models/face_detection.onnx", "models/mcunet_imagenet.onnx"];

    /// <summary>Runs over seeds 0 to <paramref name="count"/>.</summary>
    public static int Run(int count)
    {
        var outcomes = new ConcurrentDictionary<string, int>();
        var watch = Stopwatch.StartNew();
        long peak = 0;
        int workers = Environment.ProcessorCount;
        Parallel.For(0, workers, worker =>
        {
            for (int seed = worker; seed < count;)
            {
                (seed, long bytes) = Watch(seed, workers, count, outcomes);
                InterlockedMax(ref peak, bytes);
            }
        });
        Console.WriteLine(
            $"{count:N0} files of {Models.Length} networks in {watch.Elapsed.TotalMinutes:0.0} min on {workers} cores; largest resident "
                + $"set of a reader {peak >> 20:N0} MiB\n");
        Console.WriteLine("| outcome | files |\n|---|---|");
        foreach (var (outcome, files) in outcomes.OrderByDescending(o => o.Value))
        {
            Console.WriteLine($"| {outcome} | {files:N0} |");
        }
        return 0;
    }

    /// <summary>One reader: writes a line a file to standard output, with the outcome.</summary>
    public static int Read(int first, int step, int count)
    {
        var mutators = Models.Select(m => new ModelMutator(File.ReadAllBytes(SharedInstances.Locate(m)))).ToArray();
        var path = Path.Combine(Directory.CreateTempSubdirectory("clado-fuzz").FullName, "broken.onnx");
        for (int seed = first; seed < count; seed += step)
        {
            // Small networks more often: most of a file's time is what is whole in it.
            int pick = seed % 16;
            File.WriteAllBytes(path, mutators[pick < 10 ? 0 : pick < 12 ? 1 : pick < 14 ? 2 : pick < 15 ? 3 : 4].Mutate(seed));
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            string outcome = Outcome(path);
            // The clock counts other programs' time as well, the processor that of all threads.
            double milliseconds = Math.Min(watch.ElapsedMilliseconds, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
            var slow = milliseconds > Slow ? $"over a second ({milliseconds:0} ms, seed {seed}): " : "";
            Console.WriteLine($"{seed}\t{Environment.WorkingSet}\t{slow}{outcome}");
        }
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        return 0;
    }

    private static string Outcome(string path)
    {
        try
        {
            LayerFinder.Find(Graph.Read(path));
            return "read";
        }
        catch (CladoException e)
        {
            return !e.Message.StartsWith("broken.onnx", StringComparison.Ordinal) ? $"error without its place: {e.Message}"
                : e.Message.Contains("ONNX Runtime", StringComparison.Ordinal) ? "refused by ONNX Runtime, located error" : "located error";
        }
        catch (Exception e)
        {
            var place = e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Clado", StringComparison.Ordinal));
            return $"{e.GetType().Name}: {place?.Trim()}";
        }
    }

    /// <summary>Follows a reader until it ends, dies or hangs; gives the next seed and the largest resident set seen.</summary>
    private static (int Next, long PeakBytes) Watch(int first, int step, int count, ConcurrentDictionary<string, int> outcomes)
    {
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", [typeof(FuzzingBenchmark).Assembly.Location, "fuzzing", "read", $"{first}", $"{step}", $"{count}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        long peak = 0;
        int next = first;
        void Count(string outcome) => outcomes.AddOrUpdate(outcome, 1, (_, n) => n + 1);
        while (true)
        {
            var line = process.StandardOutput.ReadLineAsync();
            var (watch, before) = (Stopwatch.StartNew(), ProcessorTime(process));
            while (!line.Wait(Look))
            {
                if (ProcessorTime(process) - before > HungComputing || watch.Elapsed > HungWaiting)
                {
                    process.Kill();
                    Count($"hung (seed {next})");
                    return (next + step, peak);
                }
            }
            if (line.Result is not { } text)
            {
                process.WaitForExit();
                if (next < count)
                {
                    Count($"reader died with exit code {process.ExitCode} (seed {next})");
                }
                return (next + step, peak);
            }
            var parts = text.Split('\t');
            if (parts.Length == 3)
            {
                Count(parts[2]);
                peak = Math.Max(peak, long.Parse(parts[1], CultureInfo.InvariantCulture));
                next = int.Parse(parts[0], CultureInfo.InvariantCulture) + step;
            }
        }
    }

    /// <summary>Processor time of a reader so far; none of one that has ended, whose output says so.</summary>
    private static TimeSpan ProcessorTime(Process process)
    {
        try
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
        catch (InvalidOperationException)
        {
            return TimeSpan.Zero;
        }
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (long seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}
