using System.Diagnostics;
using Clado.Onnx;
using Clado.Tests.Support;

namespace Clado.Benchmarks;

/// <summary>
/// Tells every verb to stop (SIGTERM) at random moments: how long it takes to end, how it ends, and whether a file is left half written.
/// Verbs that end before their moment are told again, at another one.
/// </summary>
internal static class StoppingBenchmark
{
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(20);

    /// <summary>Runs.</summary>
    /// <param name="stops">Stops of all verbs together. Range: [1, inf).</param>
    /// <param name="names">Verbs to stop; all where none is named. Shape: [verbs].</param>
    public static int Run(int stops, string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("clado-stopping-").FullName;
        string In(string name) => Path.Combine(folder, name);
        var samples = "samples";
        string model = Path.Combine(samples, "resnet20.onnx"), images = Path.Combine(samples, "images", "calibration"), test = Path.Combine(
            samples, "images", "test"),
            preprocessing = Path.Combine(samples, "preprocessing.json");
        OnnxFile.Write(NetworkBuilder.EndlessClassifier(), In("endless.onnx"));
        string[] measuring = [model, "--images", images, "--preprocess", preprocessing, "--limit", "128"];
        Whole(["measure", .. measuring, "--run", In("measured")]);
        var verbs = new (string Name, Func<string, string[]> Command)[]
        {
            ("quantize", run => ["quantize", .. measuring, "--run", run, "--budget", "3bit", "-o", run + ".onnx"]),
            ("inspect", _ => ["inspect", model]),
            ("inspect, endless", _ => ["inspect", In("endless.onnx")]),
            ("measure", run => ["measure", .. measuring, "--run", run]),
            ("allocate", run => ["allocate", "--run", Copy(run), "--budget", "3bit"]),
            ("export", run => ["export", "--run", Copy(run), "--budget", "3bit", "--refine", "-o", run + ".onnx"]),
            ("sweep", run => ["sweep", "--run", Copy(run), "--points", "4", "--evaluate", test, "-o", run + ".csv"]),
            ("compare", run => ["compare", .. measuring, "--run", run, "--budgets", "3bit", "--evaluate", test, "-o", run + ".csv"]),
            ("evaluate", _ => ["evaluate", model, "--images", test, "--preprocess", preprocessing, "--reference", model, "--latency"]),
            ("report", run => ["report", "--run", In("measured"), "-o", run + ".html", "--figures", run + ".figures"]),
            ("demo", run => ["demo", "-o", run]),
        }.Where(v => names.Length == 0 || names.Contains(v.Name)).ToArray();
        string Copy(string run)
        {
            Directory.CreateDirectory(run);
            foreach (var file in Directory.EnumerateFiles(In("measured")))
            {
                File.Copy(file, Path.Combine(run, Path.GetFileName(file)));
            }
            return run;
        }

        var random = new Random(1);
        Console.WriteLine("| verb | stops | longest, ms | median, ms | exit codes | files half written |\n|---|---|---|---|---|---|");
        bool all = true;
        for (int i = 0; i < verbs.Length; i++)
        {
            var (name, command) = verbs[i];
            int wanted = (stops / verbs.Length) + (i < stops % verbs.Length ? 1 : 0);
            var whole = name.Contains("endless", StringComparison.Ordinal) ? LongestLook / 5 : Whole(command(In($"{i}-whole")));
            var (times, codes) = (new List<double>(), new List<int>());
            for (int attempt = 0; times.Count < wanted; attempt++)
            {
                using var process = Start(command(In($"{i}-{attempt}")));
                if (process.WaitForExit(random.NextDouble() * whole))
                {
                    continue;
                }
                var watch = Stopwatch.StartNew();
                CladoProcess.Signal(process, CladoProcess.Terminate);
                process.WaitForExit();
                times.Add(watch.Elapsed.TotalMilliseconds);
                codes.Add(process.ExitCode);
            }
            times.Sort();
            int left = Directory.EnumerateFiles(folder, "*.part", SearchOption.AllDirectories).Count();
            all &= times[^1] < 1000 && left == 0;
            var ends = string.Join(", ", codes.CountBy(c => c).OrderBy(c => c.Key).Select(c => $"{c.Key} ({c.Value}×)"));
            Console.WriteLine(
                FormattableString.Invariant($"| {name} | {times.Count} | {times[^1]:0} | {times[times.Count / 2]:0} | {ends} | {left} |"));
        }
        Directory.Delete(folder, recursive: true);
        return all ? 0 : 1;
    }

    /// <summary>How long a command takes that nobody stops, at most as long as is looked at.</summary>
    private static TimeSpan Whole(string[] command)
    {
        var watch = Stopwatch.StartNew();
        using var process = Start(command);
        process.WaitForExit();
        return process.ExitCode != 0 ? throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}")
            : watch.Elapsed < LongestLook ? watch.Elapsed : LongestLook;
    }

    private static Process Start(string[] command)
    {
        var process = CladoProcess.Start(command);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
