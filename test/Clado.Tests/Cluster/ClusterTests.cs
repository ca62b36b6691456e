using System.Diagnostics;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>
/// Coordinator and workers as processes of their own: whatever becomes of them, the matrix has the bits of one process alone, and no unit
/// is recorded twice. Skipped, visibly, where there is no Redis server.
/// </summary>
public class ClusterTests
{
    [Fact]
    public void ThreeWorkersGiveTheSameBits()
    {
        using var rig = new ClusterRig();
        for (int i = 0; i < 3; i++)
        {
            rig.Worker();
        }
        foreach (var estimator in (string[])["additive", "block", "auto"])
        {
            Assert.Equal(0, Harness.Command(rig.Measure("alone-" + estimator, estimator, isAlone: true)).Code);
            var (code, _, error) = Harness.Command(rig.Measure(estimator, estimator));
            Assert.True(code == 0, error);
            Assert.Equal(rig.Matrix("alone-" + estimator), rig.Matrix(estimator));
        }
        var (listed, output, _) = Harness.Command(["workers", .. rig.Place()]);
        Assert.Equal(0, listed);
        Assert.Equal(3, output.Split('\n').Count(line => line.Contains(Environment.MachineName, StringComparison.Ordinal)));
    }

    /// <summary>Workers are killed and hang, the server and the coordinator end and come back, all in one measurement.</summary>
    [Fact]
    public void WhateverEndsChangesNothing()
    {
        using var rig = new ClusterRig(imageCount: 60, side: 64);
        Assert.Equal(0, Harness.Command(rig.Measure("alone", "pairwise", isAlone: true)).Code);
        List<Process> workers = [rig.Worker(), rig.Worker(), rig.Worker()];
        var random = new Random(5);
        var log = new RecordLog(Path.Combine(rig.Folder["run"], "records.sqlite"));
        var coordinator = rig.Coordinator("run", "pairwise");
        log.Begin();
        Advance();

        // A worker that hangs, longer than the others wait for it.
        CladoProcess.Signal(workers[0], ClusterRig.Stop);
        var hanging = Stopwatch.StartNew();
        for (int kill = 0; kill < 2; kill++)
        {
            workers[1 + kill].Kill();
            workers[1 + kill] = rig.Worker();
            Advance();
        }
        rig.Server.Restart(forgets: false);
        Advance();

        coordinator.Kill();
        coordinator.WaitForExit();
        coordinator = rig.Coordinator("run", "pairwise");
        Advance();
        if (hanging.Elapsed < TimeSpan.FromSeconds(9))
        {
            Thread.Sleep(TimeSpan.FromSeconds(9) - hanging.Elapsed);
        }
        CladoProcess.Signal(workers[0], ClusterRig.Continue);
        ClusterRig.Finish(coordinator);
        Assert.Equal(rig.Matrix("alone"), rig.Matrix("run"));
        Assert.Empty(log.Twice);

        // Nobody had to be started again.
        Assert.All(workers, worker => Assert.False(worker.HasExited));

        // Some units further, at a random moment.
        void Advance()
        {
            int target = log.Count + random.Next(3, 10);
            var waiting = Stopwatch.StartNew();
            while (log.Count < target)
            {
                Assert.False(coordinator.HasExited, "the measurement ended before all of it had happened");
                Assert.True(waiting.Elapsed < TimeSpan.FromMinutes(1), "nothing goes on");
                Thread.Sleep(10);
            }
        }
    }

    /// <summary>
    /// A unit that cannot be done ends the measurement, with why; what is wrong with the place is said before anything is done.
    /// </summary>
    [Fact]
    public void WhatCannotBeDoneIsSaid()
    {
        using var rig = new ClusterRig(imageCount: 1);
        rig.Worker("--memory", "1MB");
        var (code, _, error) = Harness.Command(rig.Measure("run", "additive"));
        Assert.Equal(2, code);
        Assert.Contains("needs at least", error, StringComparison.Ordinal);
        Assert.Contains("failed 3 times", error, StringComparison.Ordinal);

        void IsRefused(string why, params string[] words)
        {
            var (refused, _, said) = Harness.Command(words);
            Assert.Equal(2, refused);
            Assert.Contains(why, said, StringComparison.Ordinal);
        }
        var (url, place) = (rig.Server.Url, rig.Place());
        IsRefused("no Redis server answers", "workers", "--cluster", "redis://127.0.0.1:1", "--cluster-secret", rig.Secret);
        IsRefused("redis://[user:password@]host", "workers", "--cluster", "head:6379", "--cluster-secret", rig.Secret);
        IsRefused("openssl rand", "workers", "--cluster", url, "--cluster-secret", rig.Folder["none"]);
        IsRefused("--failure-timeout", ["workers", .. place[..4], "--failure-timeout", "0"]);
        IsRefused("--listen", ["worker", .. place, "--listen", "192.0.2.1", "--cache", rig.Folder["other"]]);
    }
}
