using System.Text;
using System.Text.Json;
using Clado.Allocation;
using Clado.Execution;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>The size of batches goes into last bits. A run has one, whoever goes on with it and with whatever memory.</summary>
public class BatchSizeTests
{
    private static readonly Resources Roomy = new() { Threads = 2, MemoryBytes = 8L << 30 };

    [Fact]
    public void AMeasurementGoesOnWithItsBatches()
    {
        using var folder = new TemporaryFolder();
        var few = Few(folder);
        var (small, large) = (Measure(folder, "few", few), Measure(folder, "roomy", Roomy));
        Assert.InRange(BatchSize(folder, "few"), 1, BatchSize(folder, "roomy") - 1);
        // What would be mixed up without that.
        Assert.NotEqual(small.Raw, large.Raw);

        Interrupt(folder, "grows", few);
        Assert.Equal(small.Raw, Measure(folder, "grows", Roomy).Raw);
        Assert.Equal(File.ReadAllBytes(folder["few/sensitivity.safetensors"]), File.ReadAllBytes(folder["grows/sensitivity.safetensors"]));

        Interrupt(folder, "shrinks", Roomy);
        var refused = Assert.Throws<CladoException>(() => Measure(folder, "shrinks", few));
        Assert.Contains($"in batches of {BatchSize(folder, "roomy")} images, as it was begun", refused.Message, StringComparison.Ordinal);
        var enough = new Resources { Threads = 1, MemoryBytes = MemoryError.NeededBytes(refused.Message) };
        Assert.Equal(large.Raw, Measure(folder, "shrinks", enough).Raw);
    }

    /// <summary>Rounds around a choice are measured in the same batches.</summary>
    [Fact]
    public void AnAllocationGoesOnWithTheRunsBatches()
    {
        using var folder = new TemporaryFolder();
        var few = Few(folder);
        Measure(folder, "few", few);
        Directory.CreateDirectory(folder["copy"]);
        foreach (var file in Directory.GetFiles(folder["few"]))
        {
            File.Copy(file, folder[$"copy/{Path.GetFileName(file)}"]);
        }
        AllocationResult Allocate(string run, Resources resources) =>
            Pipeline.Open(folder[run], new() { Resources = resources })
                .Allocate("3bit", rounds: 2, cancellation: TestContext.Current.CancellationToken);
        var (here, there) = (Allocate("few", few), Allocate("copy", Roomy));
        Assert.Contains(here.Trials, trial => trial.Round == 1);
        Assert.Equal(here.Trials, there.Trials);
        Assert.Equal(here.PredictedLoss, there.PredictedLoss);
    }

    /// <summary>A folder that an earlier version began gets a size when it is measured next; one that is damaged gets it again.</summary>
    [Fact]
    public void AFolderWithoutASizeGetsOne()
    {
        using var folder = new TemporaryFolder();
        var expected = Measure(folder, "run", Roomy);
        int size = BatchSize(folder, "run");
        var description = RunDescription.FromJson(File.ReadAllText(folder["run/run.json"]));
        var lines = File.ReadAllLines(folder["run/run.json"]).Where(line => !line.Contains("batchSize", StringComparison.Ordinal));
        byte[] earlier = Encoding.UTF8.GetBytes(string.Join('\n', lines));
        foreach (bool measured in (bool[])[true, false])
        {
            new CheckedFolder(folder["run"]).Write("run.json", description.Fingerprint(), stream => stream.Write(earlier));
            Assert.Null(RunDescription.FromJson(File.ReadAllText(folder["run/run.json"])).BatchSize);
            if (!measured)
            {
                File.Delete(folder["run/sensitivity.safetensors"]);
            }
            Assert.Equal(expected.Raw, Measure(folder, "run", Roomy).Raw);
            Assert.Equal(size, BatchSize(folder, "run"));
        }
    }

    [Fact]
    public void ASizeIsNoneBelowOneAndTellsNoRunsApart()
    {
        using var folder = new TemporaryFolder();
        Measure(folder, "run", Roomy);
        var text = File.ReadAllText(folder["run/run.json"]);
        var description = RunDescription.FromJson(text);
        Assert.Equal(description.Fingerprint(), (description with { BatchSize = null }).Fingerprint());
        Assert.Empty(description.Differences(description with { BatchSize = 3 }));
        var error = Assert.Throws<JsonException>(() => RunDescription.FromJson(
            text.Replace($"\"batchSize\": {description.BatchSize}", "\"batchSize\": 0", StringComparison.Ordinal)));
        Assert.Contains("batchSize", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Memory for batches of a few images.</summary>
    private static Resources Few(TemporaryFolder folder)
    {
        var refused = Assert.Throws<CladoException>(() => Measure(folder, "none", new Resources { MemoryBytes = 1 }));
        return new() { Threads = 1, MemoryBytes = MemoryError.NeededBytes(refused.Message) + (2 << 20) };
    }

    private static int BatchSize(TemporaryFolder folder, string run) =>
        RunDescription.FromJson(File.ReadAllText(folder[$"{run}/run.json"])).BatchSize!.Value;

    private static void Interrupt(TemporaryFolder folder, string run, Resources resources)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            Pipeline.Measure(Options(folder, run, resources), new Cancelling(source), source.Token);
            source.Token.ThrowIfCancellationRequested();
        });
        Assert.False(File.Exists(folder[$"{run}/sensitivity.safetensors"]));
    }

    private static SensitivityMatrix Measure(TemporaryFolder folder, string run, Resources resources) =>
        Pipeline.Measure(Options(folder, run, resources), cancellation: TestContext.Current.CancellationToken).Sensitivity;

    private static PipelineOptions Options(TemporaryFolder folder, string run, Resources resources)
    {
        if (!File.Exists(folder["m.onnx"]))
        {
            OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["m.onnx"]);
            Harness.Images(folder, "images", 4);
        }
        return new()
        {
            Model = folder["m.onnx"],
            Images = folder["images"],
            Preprocessing = Preprocessing.Parse("unit"),
            Bits = [2, 4],
            Rounding = "nearest",
            Estimator = "additive",
            Loss = "kl",
            Resources = resources,
            Run = folder[run],
        };
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == "measuring" && value.Share > 0.4)
            {
                source.Cancel();
            }
        }
    }
}
