using Clado.Cluster.Coordination;
using Clado.Execution;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>
/// Workers that do anything in any order: ask, answer, answer twice, fail, send too little, lose files, end or hang, come back, answer when
/// nobody waits for it any more. Says beside the board, from what it did, how all of it has to end.
/// </summary>
internal sealed class BoardWalk : IDisposable
{
    private const int MostSteps = 200_000;
    private const double Twice = 0.2;

    private readonly Random random;
    private readonly double failing, losing;
    private readonly SimulatedClock clock = new();
    private readonly SimulatedWorker[] workers;
    private readonly UnitBoard board;
    private readonly Dictionary<string, List<SimulatedWorker>> failures = [];
    private readonly Dictionary<string, int> losses = [];
    private readonly Dictionary<SimulatedWorker, int> inARow = [];
    private int steps;

    /// <summary>Begins.</summary>
    /// <param name="seed">Of what happens.</param>
    /// <param name="workerCount">Range: [1, inf).</param>
    /// <param name="failing">How many answers are failures. Range: [0, 1).</param>
    /// <param name="losing">How many steps lose a worker. Range: [0, 1).</param>
    public BoardWalk(int seed, int workerCount, double failing, double losing)
    {
        (random, this.failing, this.losing) = (new(seed), failing, losing);
        Task = new([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(0, 9))]);
        workers = [.. Enumerable.Range(0, workerCount).Select(i => new SimulatedWorker($"w{i}", random.Next(1, 4)))];
        board = new(new SimulatedCrew(workers, Go), Task, clock);
    }

    public SimulatedTask Task { get; }

    /// <summary>What the error has to say; null where there is to be none.</summary>
    public string? Expected { get; private set; }

    /// <summary>Waits for all groups.</summary>
    public void Run()
    {
        for (int group = 0; group < Task.GroupCount; group++)
        {
            board.Wait(group);
        }
    }

    public void Dispose() => board.Dispose();

    private int Helping => workers.Count(worker => worker.IsThere && !IsSetAside(worker));

    private bool IsSetAside(SimulatedWorker worker) => inARow.GetValueOrDefault(worker) >= WorkerLink.MostFailures;

    private bool IsKept(RemoteUnit unit) => Task.Kept.Contains(unit.Key);

    private void Go()
    {
        Assert.True(Expected is null, $"it goes on after: {Expected}");
        int kept = Task.Kept.Count;
        while (Task.Kept.Count == kept && Expected is null)
        {
            Assert.True(steps++ < MostSteps, "nothing goes on");
            Step(workers[random.Next(workers.Length)]);
        }
    }

    private void Step(SimulatedWorker worker)
    {
        double what = random.NextDouble();
        if (what < losing)
        {
            Lose(worker);
        }
        else if (what < 0.4)
        {
            worker.IsThere |= random.Next(5) == 0;
            Ask(worker);
        }
        else if (what < 0.9)
        {
            // Workers that are given up may answer as well.
            var from = random.Next(4) > 0 ? worker.Held : worker.Late;
            if (from.Count > 0)
            {
                Answer(worker, from[random.Next(from.Count)]);
            }
        }
        else
        {
            clock.Move(2 * random.NextDouble());
        }
    }

    private void Ask(SimulatedWorker worker)
    {
        if (!worker.IsThere)
        {
            return;
        }
        int room = 2 * worker.Threads;
        var taken = board.Take(worker, room);
        Assert.True(taken.Count == 0 || !IsSetAside(worker), "one that only fails is given more");
        foreach (var unit in taken)
        {
            Assert.False(IsKept(unit), "given away after it was kept");
            Assert.DoesNotContain(unit, worker.Held);
            Assert.True(workers.Count(other => other.Held.Contains(unit)) < 2, "three do the same");
            var failed = failures.GetValueOrDefault(unit.Key, []);
            Assert.True(!failed.Contains(worker) || failed.Distinct().Count() >= Helping, "it failed there, and others have not tried");
            worker.Held.Add(unit);
        }
        Assert.True(taken.Count == 0 || worker.Held.Count(unit => !IsKept(unit)) <= room, "more than its share");
        Assert.Equal(worker.Held.Any(unit => !IsKept(unit)), board.IsHeldBy(worker));
    }

    private void Answer(SimulatedWorker worker, RemoteUnit unit)
    {
        // One that has it again has it once.
        bool isOwn = worker.Held.Remove(unit);
        worker.Late.Remove(unit);
        bool isKept = IsKept(unit);
        int times = random.NextDouble() < Twice ? 2 : 1;
        if (random.NextDouble() < failing)
        {
            int kind = random.Next(3);
            for (int i = 0; i < times; i++)
            {
                Spoil(worker, unit, kind);
            }
            if (isOwn && !isKept && kind < 2)
            {
                ExpectFailure(worker, unit);
            }
            return;
        }
        for (int i = 0; i < times; i++)
        {
            board.Finish(worker, unit.Key, SimulatedTask.Values(unit.Key));
        }
        Assert.True(IsKept(unit), "an answer is not taken");
        if (!isKept)
        {
            inARow.Remove(worker);
        }
    }

    private void Spoil(SimulatedWorker worker, RemoteUnit unit, int kind)
    {
        if (kind == 0)
        {
            board.Fail(worker, unit.Key, "it is broken");
        }
        else if (kind == 1)
        {
            board.Finish(worker, unit.Key, [1, 2, 3]);
        }
        else
        {
            board.Return(worker, unit.Key);
        }
    }

    private void ExpectFailure(SimulatedWorker worker, RemoteUnit unit)
    {
        var failed = failures.TryGetValue(unit.Key, out var known) ? known : failures[unit.Key] = [];
        failed.Add(worker);
        inARow[worker] = inARow.GetValueOrDefault(worker) + 1;
        Expected = failed.Count == 3 ? $"the unit {unit.Key} failed 3 times" : IsSetAside(worker) && Helping == 0 ? "nothing but" : null;
    }

    private void Lose(SimulatedWorker worker)
    {
        if (!worker.IsThere)
        {
            return;
        }
        worker.IsThere = false;
        foreach (var unit in worker.Held.Where(unit => !IsKept(unit)))
        {
            losses[unit.Key] = losses.GetValueOrDefault(unit.Key) + 1;
            Expected = losses[unit.Key] == 5 ? "5 workers stopped answering" : Expected;
        }
        inARow.Remove(worker);
        board.Lose(worker);
        worker.Late.AddRange(worker.Held.Except(worker.Late));
        worker.Held.Clear();
    }
}
