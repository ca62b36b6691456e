using System.Collections.Concurrent;
using System.Diagnostics;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>A server, workers and coordinators, each a process of its own, and what is to be measured.</summary>
internal sealed class ClusterRig : IDisposable
{
    public const int Stop = 19, Continue = 18;

    private readonly List<Process> processes = [];
    private readonly string images;

    /// <summary>Begins.</summary>
    /// <param name="imageCount">Images a class, of 8.</param>
    /// <param name="side">Height and width of the network's input.</param>
    public ClusterRig(int imageCount = 4, int side = 32)
    {
        Assert.SkipUnless(RedisServer.IsThere, "redis-server is not installed");
        Server = new();
        images = Harness.Images(Folder, "images", imageCount);
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: side).Build(), Folder["m.onnx"]);
        Secret = MakeSecret("secret");
    }

    public TemporaryFolder Folder { get; } = new();

    public RedisServer Server { get; }

    public string Secret { get; }

    /// <summary>Writes a secret.</summary>
    public string MakeSecret(string name)
    {
        File.WriteAllText(Folder[name], Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return Folder[name];
    }

    /// <summary>What says where the cluster is.</summary>
    public string[] Place(string? secret = null) =>
        ["--cluster", Server.Url, "--cluster-secret", secret ?? Secret, "--failure-timeout", "3"];

    /// <summary>Starts a worker, and waits until it takes part.</summary>
    public Process Worker(params string[] more)
    {
        var process = CladoProcess.Start(["worker", .. Place(), "--threads", "1", "--cache", Folder["cache"], .. more]);
        processes.Add(process);
        var lines = new BlockingCollection<string>();
        process.ErrorDataReceived += (_, line) => lines.Add(line.Data ?? "it ended");
        process.BeginErrorReadLine();
        Assert.True(lines.TryTake(out var first, TimeSpan.FromMinutes(1)), "a worker says nothing");
        Assert.StartsWith("a worker of", first, StringComparison.Ordinal);
        return process;
    }

    /// <summary>The command that measures.</summary>
    public string[] Measure(string run, string estimator, bool isAlone = false) =>
    [
        "measure", Folder["m.onnx"], "--images", images, "--rounding", "nearest", "--estimator", estimator, "--bits", "2,3,4,6,8",
        "--threads", "1", "--preprocess", "unit", "--run", Folder[run], .. isAlone ? [] : Place(),
    ];

    /// <summary>Starts a coordinator.</summary>
    public Process Coordinator(string run, string estimator)
    {
        var process = CladoProcess.Start(Measure(run, estimator));
        processes.Add(process);
        return process;
    }

    /// <summary>Waits for a coordinator to end well; gives what it said.</summary>
    public static string Finish(Process coordinator)
    {
        coordinator.OutputDataReceived += (_, _) => { };
        coordinator.BeginOutputReadLine();
        var said = coordinator.StandardError.ReadToEndAsync();
        Assert.True(coordinator.WaitForExit(TimeSpan.FromMinutes(2)), "the coordinator does not end");
        Assert.True(coordinator.ExitCode == 0, said.Result);
        return said.Result;
    }

    /// <summary>The matrix of a run.</summary>
    public byte[] Matrix(string run) => File.ReadAllBytes(Folder[$"{run}/sensitivity.safetensors"]);

    public void Dispose()
    {
        foreach (var process in processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }
            process.Dispose();
        }
        Server.Dispose();
        Folder.Dispose();
    }
}
