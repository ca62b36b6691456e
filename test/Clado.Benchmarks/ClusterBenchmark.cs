using System.Diagnostics;
using System.Globalization;
using Clado.Cluster.Coordination;
using Clado.Execution;
using static System.FormattableString;

namespace Clado.Benchmarks;

/// <summary>
/// How long many machines would take: the coordinator's own scheduler (<see cref="UnitBoard"/>) hands out units to machines that are
/// simulated, on a network that is, in time that is.
/// </summary>
internal static class ClusterBenchmark
{
    private static readonly int[] Counts = [1, 2, 10, 100, 1000];

    // Seconds a unit and of opening a batch: results/measuring.md; bytes: docs/cluster.md, "What the coordinator carries".
    private static readonly SimulatedJob[] Jobs =
    [
        new("mobilenetv2, additive, 400 images", 13, 168, 0.221, 0.54, 128_000, 19.3e6, 24.5e6),
        new("mobilenetv2, pairwise, 1,024 images", 32, 168, 18.7, 0.54, 22_000, 19.3e6, 24.5e6),
        new("mobilenetv2, additive, 4,096 images", 128, 168, 0.221, 0.54, 128_000, 19.3e6, 24.5e6),
    ];

    /// <summary>Runs.</summary>
    public static int Run()
    {
        foreach (var job in Jobs)
        {
            int units = job.GroupCount * job.UnitCount;
            Console.WriteLine(Invariant($"\n## {job.Name}\n\n{units:N0} units of {job.UnitSeconds} s.\n"));
            Console.WriteLine("| Gbit/s | workers | time, s | speed-up | efficiency | time without second runs, s "
                + "| second runs, % of units | network out, % busy | in, % busy | scheduler, µs a unit |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            foreach (double gigabits in (double[])[1, 10])
            {
                double alone = 0;
                foreach (int count in Counts)
                {
                    Simulated Result(bool hasSecondRuns)
                    {
                        using var simulation = new ClusterSimulation(job, count, gigabits * 1e9 / 8, hasSecondRuns);
                        return simulation.Run();
                    }
                    var (with, without) = (Result(true), Result(false));
                    alone = count == 1 ? with.Seconds : alone;
                    double speed = alone / with.Seconds;
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {gigabits} | {count} | {with.Seconds:N0} "
                        + $"| {speed:N1} | {speed / count:0.00} | {without.Seconds:N0} | {100 * with.SecondRuns:0.0} | {100 * with.Out:0} "
                        + $"| {100 * with.In:0} | {1e6 * with.Scheduling:0} |"));
                }
            }
        }
        return 0;
    }
}

/// <summary>What is to be measured.</summary>
internal sealed record SimulatedJob(
    string Name, int GroupCount, int UnitCount, double UnitSeconds, double OpenSeconds, double UnitBytes, double BatchBytes,
    double FileBytes);

/// <summary>
/// What a simulation came to: seconds, second runs a unit, how busy the network was, real seconds of the scheduler a unit.
/// </summary>
internal sealed record Simulated(double Seconds, double SecondRuns, double Out, double In, double Scheduling);

/// <summary>One measurement in simulated time. Events happen while the coordinator waits for a group.</summary>
internal sealed class ClusterSimulation : TimeProvider, IUnitCrew, IDisposable
{
    // Assumed, not measured: what differs between units, between machines, and how often a machine is lost.
    private const double Spread = 0.5, SlowFactor = 4, LossesAnHour = 0.1, AwaySeconds = 60;
    private const int SlowOneOf = 50;

    // As WorkerLink and the default failure time-out have them, but for how often idle machines are looked at (0.05 s there): simulated,
    // that takes most of the time. A call takes a millisecond.
    private const double Look = 0.2, FailureTimeout = 15, Call = 0.001;
    private const int UnitsAThread = 2;

    private readonly SimulatedJob job;
    private readonly bool hasSecondRuns;
    private readonly Random random = new(1);
    private readonly PriorityQueue<Action, double> events = new();
    private readonly SimulatedMachine[] machines;
    private readonly SimulatedUnits task;
    private readonly UnitBoard board;
    private readonly SimulatedLine outwards, inwards;
    private readonly Stopwatch scheduling = new();
    private readonly Dictionary<string, int> running = [];
    private double now;
    private int secondRuns, usable;

    public ClusterSimulation(SimulatedJob job, int count, double bytesASecond, bool hasSecondRuns)
    {
        (this.job, this.hasSecondRuns) = (job, hasSecondRuns);
        (outwards, inwards, task) = (new(bytesASecond), new(bytesASecond), new(job));
        machines = [.. Enumerable.Range(0, count).Select(
            i => new SimulatedMachine(Invariant($"m{i}"), i % SlowOneOf == SlowOneOf - 1 ? SlowFactor : 1))];
        usable = count;
        board = new(this, task, this);
    }

    int IUnitCrew.UsableCount => usable;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(now);

    public Simulated Run()
    {
        foreach (var machine in machines)
        {
            events.Enqueue(() => Ask(machine), 0);
            EnqueueLoss(machine);
        }
        for (int group = 0; group < job.GroupCount; group++)
        {
            board.Wait(group);
        }
        int units = job.GroupCount * job.UnitCount;
        return new(now, (double)secondRuns / units, outwards.Busy / now, inwards.Busy / now, scheduling.Elapsed.TotalSeconds / units);
    }

    void IUnitCrew.SayWhereNobodyIs()
    {
        for (int kept = task.Kept; task.Kept == kept;)
        {
            events.TryDequeue(out var next, out now);
            next!();
        }
    }

    void IUnitCrew.End(UnitBoard board)
    {
    }

    public void Dispose() => board.Dispose();

    /// <summary>Has something happen to a machine, if that is not lost before.</summary>
    private void After(SimulatedMachine machine, double time, Action what)
    {
        int life = machine.Life;
        events.Enqueue(
            () =>
            {
                if (machine.Life == life)
                {
                    what();
                }
            },
            time);
    }

    private void Ask(SimulatedMachine machine)
    {
        scheduling.Start();
        var taken = board.Take(machine, UnitsAThread * machine.Threads);
        bool isHolding = board.IsHeldBy(machine);
        scheduling.Stop();
        var units = taken.Where(unit => Takes(machine, unit)).ToArray();
        if (units.Length == 0)
        {
            // One that has something to do says when it is done.
            machine.IsTalking = false;
            if ((!isHolding || taken.Count > 0) && !machine.IsLooking)
            {
                machine.IsLooking = true;
                After(machine, now + Look, () => LookAgain(machine));
            }
            return;
        }
        machine.IsTalking = true;
        double bytes = machine.Groups.Count == 0 ? job.FileBytes : 0;
        bytes += units.Select(unit => unit.Group).Distinct().Count(machine.Groups.Add) * job.BatchBytes;
        After(machine, outwards.Send(now, bytes) + Call, () =>
        {
            Array.ForEach(units, machine.Queue.Enqueue);
            machine.IsTalking = false;
            Work(machine);
            Answer(machine);
        });
    }

    private void LookAgain(SimulatedMachine machine)
    {
        machine.IsLooking = false;
        if (!machine.IsTalking)
        {
            Ask(machine);
        }
    }

    /// <summary>Whether a machine begins what it is given: not where it is a second run and there are to be none.</summary>
    private bool Takes(SimulatedMachine machine, RemoteUnit unit)
    {
        bool isSecond = running.GetValueOrDefault(unit.Key) > 0;
        if (isSecond && !hasSecondRuns)
        {
            board.Return(machine, unit.Key);
            return false;
        }
        secondRuns += isSecond ? 1 : 0;
        running[unit.Key] = running.GetValueOrDefault(unit.Key) + 1;
        return machine.Units.Add(unit.Key);
    }

    private void Work(SimulatedMachine machine)
    {
        if (machine.IsBusy || !machine.Queue.TryDequeue(out var unit))
        {
            return;
        }
        machine.IsBusy = true;
        double opening = machine.Open == unit.Group ? 0 : job.OpenSeconds;
        machine.Open = unit.Group;
        // A mean of one.
        double seconds = job.UnitSeconds * Math.Exp((Spread * Normal()) - (Spread * Spread / 2));
        After(machine, now + (machine.Slowness * (opening + seconds)), () =>
        {
            machine.IsBusy = false;
            machine.Done.Add(unit.Key);
            Work(machine);
            Answer(machine);
        });
    }

    private void Answer(SimulatedMachine machine)
    {
        if (machine.IsTalking || machine.Done.Count == 0)
        {
            return;
        }
        machine.IsTalking = true;
        string[] done = [.. machine.Done];
        machine.Done.Clear();
        After(machine, inwards.Send(now, done.Length * job.UnitBytes) + Call, () =>
        {
            foreach (var key in done)
            {
                machine.Units.Remove(key);
                running[key]--;
                scheduling.Start();
                board.Finish(machine, key, []);
                scheduling.Stop();
            }
            Ask(machine);
        });
    }

    private double Exponential(double mean) => -mean * Math.Log(1 - random.NextDouble());

    private void EnqueueLoss(SimulatedMachine machine) => After(machine, now + Exponential(3600 / LossesAnHour), () =>
    {
        machine.End();
        After(machine, now + FailureTimeout, () =>
        {
            usable--;
            foreach (var key in machine.Units)
            {
                running[key]--;
            }
            machine.Units.Clear();
            board.Lose(machine);
        });
        After(machine, now + AwaySeconds, () =>
        {
            usable++;
            Ask(machine);
            EnqueueLoss(machine);
        });
    });

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

/// <summary>A line that carries one thing after the other.</summary>
internal sealed class SimulatedLine(double bytesASecond)
{
    private double free;

    /// <summary>Seconds in which it carried something.</summary>
    public double Busy { get; private set; }

    /// <summary>When something that is sent now is there.</summary>
    public double Send(double now, double bytes)
    {
        Busy += bytes / bytesASecond;
        return free = Math.Max(now, free) + (bytes / bytesASecond);
    }
}

/// <summary>A machine of one thread. What it was sent is on its disk, and is there after it was lost.</summary>
internal sealed class SimulatedMachine(string name, double slowness) : IUnitHolder
{
    public string Name => name;

    public int Threads => 1;

    public double Slowness => slowness;

    public bool IsBusy { get; set; }

    public bool IsTalking { get; set; }

    public bool IsLooking { get; set; }

    public int Open { get; set; } = -1;

    public int Life { get; private set; }

    public HashSet<int> Groups { get; } = [];

    public HashSet<string> Units { get; } = [];

    public Queue<RemoteUnit> Queue { get; } = [];

    public List<string> Done { get; } = [];

    /// <summary>Loses what was under way.</summary>
    public void End()
    {
        Life++;
        (IsBusy, IsTalking, IsLooking, Open) = (false, false, false, -1);
        Queue.Clear();
        Done.Clear();
    }
}

/// <summary>Units that come to nothing.</summary>
internal sealed class SimulatedUnits(SimulatedJob job) : RemoteTask
{
    public int Kept { get; private set; }

    public override Blob Description { get; } = Blob.Of([]);

    public override IReadOnlyList<Blob> Files => [];

    public override int GroupCount => job.GroupCount;

    public override CancellationToken Cancellation => default;

    public override IReadOnlyList<RemoteUnit> Units(int group) =>
        [.. Enumerable.Range(0, job.UnitCount).Select(i => new RemoteUnit(Invariant($"{group}/{i}"), group, i, 0))];

    public override Blob Input(int group) => Description;

    public override void Keep(RemoteUnit unit, byte[] values) => Kept++;
}
