using System.Diagnostics;
using Clado.Onnx;
using Clado.Records;
using Clado.Runs;
using Clado.Tests.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>A measurement killed without warning, again and again, ends with the same bits and does no finished unit twice.</summary>
public class KillTests
{
    private const int Kills = 10;

    [Fact]
    public void KilledMeasurementsGoOnAndChangeNothing()
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "images", 32);
        long few = 1;
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 64).Build(), folder["m.onnx"]);
        int? BatchSize(string run) => RunDescription.FromJson(File.ReadAllText(folder[$"{run}/run.json"])).BatchSize;
        // Little memory makes small batches, whose size goes into last bits: what is begun with them goes on with them.
        var refused = Harness.Command([.. Measure("none", 2, tight: true)]);
        Assert.Equal(2, refused.Code);
        few = MemoryError.NeededBytes(refused.Error) + (16 << 20);
        string[] Measure(string run, int threads, bool tight) =>
        [
            "measure", folder["m.onnx"], "--images", images, "--rounding", "nearest", "--estimator", "pairwise",
            "--threads", $"{threads}", "--memory", tight ? $"{few}B" : "4GiB", "--run", folder[run],
        ];

        Assert.Equal(0, Harness.Command(Measure("whole", 2, tight: true)).Code);
        var random = new Random(11);
        var log = new RecordLog(Path.Combine(folder["killed"], "records.sqlite"));
        for (int kill = 0; kill < Kills; kill++)
        {
            using var process = CladoProcess.Start(Measure("killed", 1 + (kill % 2), tight: kill % 3 == 0));
            if (kill == 0)
            {
                log.Begin();
            }
            // A few units further than the last time: every kill hits the measurement, however fast the machine.
            int target = log.Count + random.Next(1, 12);
            while (log.Count < target)
            {
                Assert.False(process.HasExited, "the measurement ended before it could be killed");
                Thread.Sleep(5);
            }
            process.Kill();
            process.WaitForExit();
            var files = new CheckedFolder(folder["killed"]);
            string[] kept = ["run.json", "layers.csv", "kept.csv", "candidates.csv", "candidates.safetensors"];
            Assert.All(kept, name => Assert.True(files.IsSound(name), name));
        }
        Assert.False(File.Exists(Path.Combine(folder["killed"], "sensitivity.safetensors")));
        Assert.Equal(0, Harness.Command(Measure("killed", 2, tight: false)).Code);
        byte[] Matrix(string run) => File.ReadAllBytes(folder[$"{run}/sensitivity.safetensors"]);
        Assert.Equal(Matrix("whole"), Matrix("killed"));
        int size = BatchSize("whole")!.Value;
        Assert.InRange(size, 1, 31);
        Assert.Equal(size, BatchSize("killed"));
        Assert.Empty(log.Twice);
        Assert.NotEqual(0, log.Count);
    }

    [Fact]
    public void TwoMeasurementsInOneFolderDoNotHarmEachOther()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        string[] Measure(string run) =>
        [
            "measure", folder["m.onnx"], "--images", folder["images"], "--bits", "2,4,8", "--equalize", "--measure-activations", "8",
            "--run", folder[run],
        ];

        Harness.Images(folder, "images", 4);
        Assert.Equal(0, Harness.Command(Measure("alone")).Code);
        Process[] both = [Start(Measure("both")), Start(Measure("both"))];
        foreach (var process in both)
        {
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, error);
            Assert.DoesNotContain("damaged", error, StringComparison.Ordinal);
            process.Dispose();
        }
        foreach (var file in Directory.GetFiles(folder["alone"]).Select(f => Path.GetFileName(f)!).Where(f => f != "records.sqlite"))
        {
            Assert.True(File.ReadAllBytes(folder[$"alone/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"both/{file}"])), file);
        }
    }

    private static Process Start(string[] command)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in command.Prepend(Path.Combine(AppContext.BaseDirectory, "Clado.Cli.dll")))
        {
            start.ArgumentList.Add(word);
        }
        return Process.Start(start)!;
    }
}
