using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>
/// Models and files that would never let a command end, and commands that are told to stop.
/// The benchmark <c>stopping</c> stops every verb and reports the time that takes.
/// </summary>
public class StopTests
{
    // Not how long it may take (a second: see the benchmark), but what counts as never on a busy machine.
    private static readonly TimeSpan Never = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("inspect")]
    [InlineData("measure")]
    [InlineData("evaluate")]
    public void AnEndlessModelRunsIntoItsTimeLimit(string verb)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.EndlessClassifier(), folder["endless.onnx"]);
        string[] more = verb == "inspect" ? [] : ["--images", Harness.Images(folder, "images", 1), "--preprocess", "unit"];
        var (code, output, error) = Harness.Command([verb, folder["endless.onnx"], .. more, "--run-timeout", "0.5"]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("clado: endless.onnx: was still running after 0.5 s and was ended", error, StringComparison.Ordinal);
        Assert.Contains("--run-timeout", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStopEndsARunUnderWayAndKeepsOthersFromBeginning()
    {
        using var stop = new CancellationTokenSource();
        var running = Task.Run(
            () =>
            {
                using var limit = RunLimit.Enter(Never, stop.Token);
                return Graph.FromModel(NetworkBuilder.EndlessClassifier(), "endless.onnx");
            }, TestContext.Current.CancellationToken);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Never, TestContext.Current.CancellationToken));
        using (RunLimit.Enter(Never, stop.Token))
        {
            Assert.ThrowsAny<OperationCanceledException>(() => NetworkBuilder.SmallClassifier().BuildGraph());
        }
        Assert.NotEmpty(NetworkBuilder.SmallClassifier().BuildGraph().Nodes);
    }

    /// <summary>Ctrl-C, SIGTERM and SIGHUP in the middle of a run that never ends.</summary>
    [Theory]
    [InlineData(CladoProcess.Interrupt)]
    [InlineData(CladoProcess.Terminate)]
    [InlineData(CladoProcess.Hangup)]
    public async Task ASignalEndsTheProgramWhereverItIs(int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are of Unix");
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.EndlessClassifier(), folder["endless.onnx"]);
        using var process = CladoProcess.Start("inspect", folder["endless.onnx"]);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var before = process.TotalProcessorTime;
        while (process.TotalProcessorTime - before < TimeSpan.FromSeconds(1.5))
        {
            Assert.False(process.HasExited, "an endless model ended");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        CladoProcess.Signal(process, signal);
        Assert.True(process.WaitForExit(Never), $"signal {signal} was not heeded");
        Assert.Equal(128 + signal, process.ExitCode);
        Assert.Equal("clado: stopped; what a run folder holds is kept, and measuring goes on from there", (await error).Trim());
    }

    /// <summary>
    /// While shapes are looked for, a single product of matrices takes seconds. The runtime checks its flag only before and after it.
    /// </summary>
    [Fact]
    public async Task ASignalEndsTheProgramInsideAKernel()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are of Unix");
        using var folder = new TemporaryFolder();
        var net = NetworkBuilder.SmallClassifier();
        net.Model.Graph.Initializer.Add(TensorData.Integers("size", [9000, 9000], 2));
        net.Add("ConstantOfShape", ["size"], "large").Add("MatMul", ["large", "large"], "product");
        net.Add("ReduceMax", ["product"], "most").Add("Add", ["logits", "most"], "sum");
        OnnxFile.Write(net.Build(), folder["long.onnx"]);
        using var process = CladoProcess.Start("inspect", folder["long.onnx"]);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (process.TotalProcessorTime < TimeSpan.FromSeconds(1.5))
        {
            Assert.False(process.HasExited, "a product of 1.5e12 operations was done");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        CladoProcess.Signal(process, CladoProcess.Terminate);
        Assert.True(process.WaitForExit(Never));
        Assert.Equal(128 + CladoProcess.Terminate, process.ExitCode);
        // In the middle of a line, it may be: this is the message of who did not wait.
        Assert.Equal("\nclado: stopped; what a run folder holds is kept, and measuring goes on from there\n", await error);
    }

    /// <summary>A few stops, where the benchmark makes hundreds: the same command then goes on and ends with the same file.</summary>
    [Fact]
    public void StopsAtAnyMomentLeaveNothingHalfDone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are of Unix");
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 64).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 8);
        string[] Quantize(string name) =>
        [
            "quantize", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--budget", "3bit", "--run", folder[name],
            "-o", folder[$"{name}.onnx"],
        ];
        Assert.Equal(0, Harness.Command(Quantize("whole")).Code);
        foreach (int milliseconds in (int[])[0, 200, 400, 700, 1100])
        {
            using var process = CladoProcess.Start(Quantize("stopped"));
            process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            Thread.Sleep(milliseconds);
            CladoProcess.Signal(process, CladoProcess.Terminate);
            Assert.True(process.WaitForExit(Never));
            // Done, stopped, or ended by the system before there was a program to tell: it says the same.
            Assert.Contains(process.ExitCode, (int[])[0, 128 + CladoProcess.Terminate]);
            Assert.Empty(Directory.EnumerateFiles(folder.Path, "*.part", SearchOption.AllDirectories));
        }
        Assert.Equal(0, Harness.Command(Quantize("stopped")).Code);
        Assert.Equal(File.ReadAllBytes(folder["whole.onnx"]), File.ReadAllBytes(folder["stopped.onnx"]));
    }
}
