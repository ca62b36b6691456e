using System.Text;
using Clado.Execution;
using Clado.Onnx;
using Clado.Runs;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Execution;

/// <summary>Where networks run: what is asked for, what the machine has, and what is said where the two do not fit.</summary>
public class ProviderTests
{
    private static readonly CudaDriver Good = new(0, new Version(13, 0), 1, "a GPU", 8L << 30);

    private static readonly CudaSystem Whole = new(HasProvider: true, _ => true, () => Good);

    [Fact]
    public void NothingIsMissingWhereAllIsThere() => Assert.Null(Whole.Missing());

    [Fact]
    public void WhatIsMissingIsNamedWithWhatToDo()
    {
        static void Says(CudaSystem system, params string[] words)
        {
            var missing = system.Missing()!;
            Assert.DoesNotContain('\n', missing);
            Assert.All(words, word => Assert.Contains(word, missing, StringComparison.Ordinal));
            Assert.EndsWith($"measure with {Settings.Provider} cpu", missing, StringComparison.Ordinal);
        }

        Says(Whole with { HasProvider = false }, "CPU alone", "CLADO_PROVIDER=cuda");
        Says(Whole with { IsThere = library => library != CudaSystem.DriverLibrary }, "no NVIDIA driver", CudaSystem.DriverLibrary);
        Says(Whole with { Driver = () => Good with { Error = CudaDriver.NoDevice } }, "finds no GPU", "nvidia-smi");
        Says(Whole with { Driver = () => Good with { DeviceCount = 0 } }, "finds no GPU", "CUDA_VISIBLE_DEVICES");
        Says(Whole with { Driver = () => Good with { Error = 803 } }, "does not start", "803");
        Says(Whole with { Driver = () => Good with { Version = new Version(12, 4) } }, "for CUDA 12.4", "install one for CUDA 13");
        foreach (var (library, of) in CudaSystem.Libraries)
        {
            Says(Whole with { IsThere = name => name != library }, library, of, "install what is missing");
        }
        Says(
            Whole with { IsThere = name => name == CudaSystem.DriverLibrary },
            [.. CudaSystem.Libraries.Select(one => one.Library), "install what is missing"]);
    }

    [Fact]
    public void TheDriverIsAskedOnlyWhereItIsThere() => Assert.NotNull(
        (Whole with { IsThere = _ => false, Driver = () => throw new InvalidOperationException("asked") }).Missing());

    [Fact]
    public void TheProcessorIsThereWithoutAWord() => Assert.Equal((Provider.Cpu, null), Providers.Decide(Provider.Cpu));

    [Fact]
    public void AutomaticallyItIsTheGpuOnlyWhereOneCanBeUsed()
    {
        var (provider, note) = Providers.Decide(Provider.Auto);
        Assert.Equal(CudaDevice.Missing is null ? Provider.Cuda : Provider.Cpu, provider);
        // Where CUDA was not built in, nobody is told that it is not there.
        Assert.Equal(CudaSystem.Own.HasProvider, note is not null);
    }

    [Fact]
    public void WithoutAGpuTheCommandSaysSoBeforeItReadsAnything()
    {
        Assert.SkipWhen(CudaDevice.Missing is null, "this machine has a GPU that can be used");
        var (code, output, error) = Harness.Command("measure", "nowhere.onnx", "--images", "nowhere", "--provider", "cuda");
        Assert.Equal((2, ""), (code, output));
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("clado: --provider cuda: ", line, StringComparison.Ordinal);
        Assert.EndsWith("measure with --provider cpu", line, StringComparison.Ordinal);
    }

    [Fact]
    public void TimesAreTakenOnAGpuOnlyWhereTimesAreAskedFor()
    {
        var (code, _, error) = Harness.Command("evaluate", "nowhere.onnx", "--images", "nowhere", "--provider", "cuda");
        Assert.Equal(2, code);
        Assert.Contains("--latency", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ARunOnTheProcessorSaysNothingOfIt()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Files(folder);
        string[] measure = ["measure", model, "--images", images, "--bits", "4", "--estimator", "diagonal", "--rounding", "nearest",
            "--preprocess", "unit", "--run", folder["run"]];
        var (code, _, error) = Harness.Command([.. measure, "--provider", "cpu"]);
        Assert.True(code == 0, error);
        Assert.DoesNotContain("provider", File.ReadAllText(folder["run/run.json"]), StringComparison.Ordinal);
        Assert.Equal(0, Harness.Command([.. measure, "--provider", "cpu"]).Code);
    }

    /// <summary>A folder that a GPU measured serves every verb that measures nothing, and is not gone on with on the processor.</summary>
    [Fact]
    public void AFolderOfAGpuIsReadAnywhereAndNotContinuedOnTheProcessor()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Files(folder);
        string[] measure = ["measure", model, "--images", images, "--bits", "4,8", "--estimator", "diagonal", "--rounding", "nearest",
            "--preprocess", "unit", "--run", folder["run"]];
        Assert.Equal(0, Harness.Command([.. measure, "--provider", "cpu"]).Code);
        var description = RunDescription.FromJson(File.ReadAllText(folder["run/run.json"])) with { Provider = "cuda" };
        FolderDamager.Forge(folder["run"], "run.json", Encoding.UTF8.GetBytes(description.ToJson()));
        var (code, _, error) = Harness.Command([.. measure, "--provider", "cpu"]);
        Assert.Equal(2, code);
        Assert.Contains("provider (there \"cuda\", now nothing)", error, StringComparison.Ordinal);
        Assert.Equal(0, Harness.Command("allocate", "--run", folder["run"], "--budget", "5bit").Code);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"]).Code);
        if (CudaDevice.Missing is not null)
        {
            (code, _, error) = Harness.Command("allocate", "--run", folder["run"], "--budget", "5bit", "--rounds", "1");
            Assert.Equal(2, code);
            Assert.Contains("--provider cuda: ", error, StringComparison.Ordinal);
        }
    }

    private static (string Model, string Images) Files(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["model.onnx"]);
        return (folder["model.onnx"], Harness.Images(folder, "set", 1));
    }
}
