using Clado.Cli.Output;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>How far a job is and how long it takes, on a clock that the test moves.</summary>
public class JobTests
{
    private const double PassSeconds = 3;
    private const double Tolerance = 0.02;

    /// <summary>Rounds and what follows them count from the beginning.</summary>
    private static readonly JobStage[] Plan =
    [
        new(StageNames.Checking, StageKind.Decoding, 1),
        new(StageNames.Measuring, StageKind.Running, 40),
        new(StageNames.Choosing, StageKind.Choosing, 4),
        new(SearchPlan.Around(1), StageKind.Running, 30),
        new(SearchPlan.Around(2), StageKind.Running, 30) { Likelihood = 0.5 },
        new(StageNames.Evaluating, StageKind.Running, 2),
    ];

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void TimeLeftIsThatOfTheWholeJob(double part)
    {
        // Both rounds take place: of the second only half is expected before it begins.
        double[] seconds = [5, 40 * PassSeconds, 4, 30 * PassSeconds, 30 * PassSeconds, 2 * PassSeconds];
        var (clock, log) = (new ManualClock(), new ProgressLog());
        var job = new Job(Plan, log, clock);
        double time = 0, end = part * seconds.Sum();
        for (int i = 0; i < Plan.Length && time < end; i++)
        {
            job.Report(new(Plan[i].Name, null, 0));
            double own = Math.Min(seconds[i], end - time);
            for (int step = 1; step <= 50; step++)
            {
                clock.Move(own / 50);
                job.Report(new(Plan[i].Name, null, own / seconds[i] * step / 50));
            }
            time += own;
        }
        double unexpected = time < seconds.Take(4).Sum() ? 0.5 * seconds[4] : 0;
        double left = log.Last.Left!.Value.TotalSeconds, real = seconds.Sum() - time - unexpected;
        Assert.InRange(left, real * (1 - Tolerance), real * (1 + Tolerance));
        Assert.InRange(log.Last.Share, (time / (time + real)) - Tolerance, (time / (time + real)) + Tolerance);
    }

    [Fact]
    public void NothingIsSaidBeforeAnythingIsKnown()
    {
        var (clock, log) = (new ManualClock(), new ProgressLog());
        var job = new Job(Plan, log, clock);
        job.Report(new(StageNames.Checking, null, 0));
        clock.Move(5);
        // The speed of decoding says nothing of networks.
        job.Report(new(StageNames.Checking, null, 1));
        Assert.Null(log.Last.Left);
        Assert.Equal(0, log.Last.Share);
        Assert.Equal([StageNames.Measuring, StageNames.Choosing, SearchPlan.Around(1), StageNames.Evaluating], log.Last.ToCome);
        job.Report(new(StageNames.Measuring, null, 0));
        clock.Move(PassSeconds);
        job.Report(new(StageNames.Measuring, null, 1.0 / 40));
        Assert.Equal(PassSeconds * (39 + 30 + 15 + 2) + 4, log.Last.Left!.Value.TotalSeconds, 1e-6);
    }

    /// <summary>What the run folder has counts as done at once, and says nothing of the speed.</summary>
    [Fact]
    public void WhatIsFoundTakesNoTime()
    {
        var (clock, log) = (new ManualClock(), new ProgressLog());
        var job = new Job(Plan, log, clock);
        job.Report(new(StageNames.Measuring, null, 0));
        clock.Move(0.001);
        job.Report(new(StageNames.Measuring, null, 0.5));
        for (int pass = 1; pass <= 10; pass++)
        {
            clock.Move(PassSeconds);
            job.Report(new(StageNames.Measuring, null, 0.5 + (pass / 40.0)));
        }
        double real = PassSeconds * (10 + 30 + 15 + 2) + 4;
        Assert.InRange(log.Last.Left!.Value.TotalSeconds, real * (1 - Tolerance), real * (1 + Tolerance));
        Assert.InRange(log.Last.Share, 0.33, 0.36);
        job.Report(new(StageNames.Evaluating, null, 0));
        Assert.InRange(log.Last.Share, 0.97, 0.99);
        job.Report(new(StageNames.Evaluating, null, 1));
        Assert.Equal((1, TimeSpan.Zero), (log.Last.Share, log.Last.Left!.Value));
    }

    [Fact]
    public void AShareNeverFallsAndIsOneAtTheEnd() => Gen.Select(
            Gen.Select(Gen.Int[0, 3], Gen.Double[0.01, 50], Gen.Double[0.05, 1], Gen.Double[0.01, 100]).Array[1, 12], Gen.Int)
        .Sample((stages, seed) =>
        {
            var random = new Random(seed);
            JobStage[] plan = [.. stages.Select((s, i) => new JobStage($"{i % 5}", (StageKind)s.Item1, s.Item2)
            {
                Likelihood = s.Item3,
                Part = (JobPart)(5 * i / stages.Length),
            })];
            var (clock, log) = (new ManualClock(), new ProgressLog());
            var job = new Job(plan, log, clock);
            for (int i = 0; i < plan.Length; i++)
            {
                bool isRun = random.NextDouble() < plan[i].Likelihood;
                string name = random.Next(8) == 0 ? "tried again" : plan[i].Name;
                for (int step = 0; isRun && step <= 4; step++)
                {
                    job.Report(new(name, null, step / 4.0));
                    clock.Move(stages[i].Item4 * random.NextDouble());
                }
                if (i + 1 == plan.Length || plan[i + 1].Part != plan[i].Part)
                {
                    job.Finish(plan[i].Part);
                }
            }
            double[] shares = [.. log.Shares.Select(progress => progress.Job!.Share)];
            Assert.Equal(shares.Order(), shares);
            Assert.All(shares, share => Assert.InRange(share, 0, 1));
            Assert.All(log.Shares, progress => Assert.False(progress.Job!.Left < TimeSpan.Zero));
            if (shares.Length > 0)
            {
                Assert.Equal((1, TimeSpan.Zero), (shares[^1], log.Last.Left));
                Assert.Empty(log.Last.ToCome);
            }
        });

    [Fact]
    public void TheTerminalSaysHowFarAllIs()
    {
        var progress = new StageProgress("measuring", null, 0.43)
        {
            Job = new JobProgress(0.318, TimeSpan.FromSeconds(200), ["choosing bits", "evaluating"]),
        };
        Assert.Equal(
            "measuring 43 %, 31 % of all, about 3 min 20 s left; then choosing bits, evaluating",
            ProgressText.Line(progress, int.MaxValue));
        Assert.Equal("measuring 43 %", ProgressText.Line(progress with { Job = null }, 80));
        Assert.Equal("measuring 43 %, 31 % of all, about 3 min 20 s left; then choosing bits, …", ProgressText.Line(progress, 80));
        Assert.All(Enumerable.Range(1, 120), width => Assert.InRange(ProgressText.Line(progress, width).Length, 1, width));
    }
}
