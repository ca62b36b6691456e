using Clado.Cluster.Coordination;
using CsCheck;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>The coordinator's scheduler, with a clock and workers that do what they are told.</summary>
public class UnitBoardTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 0.05)]
    [InlineData(0.05, 0)]
    [InlineData(0.1, 0.02)]
    [InlineData(0.6, 0.01)]
    public void WhateverWorkersDoEveryUnitIsTakenOnceOrItIsSaidWhyNot(double failing, double losing) =>
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[1, 8]).Sample((seed, workers) =>
        {
            using var walk = new BoardWalk(seed, workers, failing, losing);
            if (Record.Exception(walk.Run) is { } error)
            {
                Assert.True(error is CladoException, error.ToString());
                Assert.NotNull(walk.Expected);
                Assert.Contains(walk.Expected, error.Message, StringComparison.Ordinal);
            }
            else
            {
                Assert.Null(walk.Expected);
                Assert.Equal(walk.Task.Keys, walk.Task.Kept.Order());
            }
        }, iter: 300, threads: 1);

    [Fact]
    public void AUnitThatIsLateAtTheEndIsGivenToASecondWorkerOnly()
    {
        SimulatedWorker late = new("late"), quick = new("quick"), third = new("third");
        var clock = new SimulatedClock();
        var task = new SimulatedTask(6);
        var board = Loaded(task, clock, late, quick, third);
        var slow = Assert.Single(board.Take(late, 2), unit => unit.Row == 0);
        while (task.Kept.Count < 4)
        {
            foreach (var unit in board.Take(quick, 2))
            {
                clock.Move(0.6);
                board.Finish(quick, unit.Key, SimulatedTask.Values(unit.Key));
            }
        }
        var rest = Assert.Single(board.Take(quick, 2));
        board.Finish(quick, rest.Key, SimulatedTask.Values(rest.Key));
        Assert.Equal(5, task.Kept.Count);

        // Twice the mean of some 0.6 s is over by now; who was given it last began just now.
        Assert.Equal([slow], board.Take(quick, 2));
        clock.Move(100);
        Assert.Empty(board.Take(third, 2));
        Assert.Empty(board.Take(late, 2));
        board.Finish(late, slow.Key, SimulatedTask.Values(slow.Key));
        board.Finish(quick, slow.Key, SimulatedTask.Values(slow.Key));
        board.Wait(0);
        Assert.Equal(task.Keys, task.Kept.Order());
    }

    [Fact]
    public void LastUnitsAreSharedByAll()
    {
        SimulatedWorker[] workers = [.. Enumerable.Range(0, 4).Select(i => new SimulatedWorker($"w{i}", 8))];
        var board = Loaded(new(8), new SimulatedClock(), workers);
        Assert.All(workers, worker => Assert.InRange(board.Take(worker, 16).Count, 1, 2));
    }

    /// <summary>One that is there and does not get on holds up nobody, wherever in the task it is.</summary>
    [Fact]
    public void ASlowWorkerHoldsUpNobody()
    {
        SimulatedWorker slow = new("slow"), quick = new("quick");
        var clock = new SimulatedClock();
        var task = new SimulatedTask([.. Enumerable.Repeat(3, 40)]);
        int steps = 0;
        UnitBoard board = null!;
        board = new(new SimulatedCrew([slow, quick], () =>
        {
            board.Take(slow, 2);
            for (int kept = task.Kept.Count; task.Kept.Count == kept;)
            {
                Assert.True(steps++ < 1000, "a slow worker holds up the others");
                clock.Move(0.5);
                foreach (var unit in board.Take(quick, 2))
                {
                    board.Finish(quick, unit.Key, SimulatedTask.Values(unit.Key));
                }
            }
        }), task, clock);
        for (int group = 0; group < task.GroupCount; group++)
        {
            board.Wait(group);
        }
        Assert.Equal(task.Keys, task.Kept.Order());
    }

    /// <summary>Not an endless wait for somebody who could do it.</summary>
    [Fact]
    public void WorkersThatDoNothingButFailEndTheTask()
    {
        SimulatedWorker first = new("first", 4), second = new("second", 4);
        var board = Loaded(new(64), new SimulatedClock(), first, second);
        // Six each, no unit three times.
        foreach (var worker in (SimulatedWorker[])[first, second])
        {
            Assert.False(board.IsSetAside(worker));
            foreach (var unit in board.Take(worker, 8))
            {
                board.Fail(worker, unit.Key, "it needs at least 9 GB");
            }
            Assert.True(board.IsSetAside(worker));
            Assert.Empty(board.Take(worker, 8));
        }
        var error = Assert.Throws<CladoException>(() => board.Wait(0));
        Assert.Contains("it needs at least 9 GB", error.Message, StringComparison.Ordinal);
        Assert.Contains("first, second", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsWrongWithTheCoordinatorsOwnPartEndsTheTask()
    {
        var board = Loaded(new(3), new SimulatedClock(), new SimulatedWorker("only"));
        board.Break(new IOException("the disk is full"));
        Assert.Equal("the disk is full", Assert.Throws<IOException>(() => board.Wait(0)).Message);
        Assert.Empty(board.Take(new SimulatedWorker("other"), 2));
    }

    /// <summary>A board whose first group is waited for.</summary>
    private static UnitBoard Loaded(SimulatedTask task, SimulatedClock clock, params SimulatedWorker[] workers)
    {
        var board = new UnitBoard(new SimulatedCrew(workers, () => throw new TimeoutException()), task, clock);
        Assert.Throws<TimeoutException>(() => board.Wait(0));
        return board;
    }
}
