using Clado.Execution;
using static System.FormattableString;

namespace Clado.Cluster.Coordination;

/// <summary>
/// The units of a task, and who has them to do. A worker stays with a group as long as that has units, so that every input goes to few
/// workers. Where no others are left to give, units that take long are given to a second worker: the first outcome counts, and they have
/// the same bits.
/// Safe to use from several threads.
/// </summary>
internal sealed class UnitBoard : IRemoteWork
{
    // A unit that fails so often does not depend on where; one that loses so many workers may well be what ends them.
    private const int MostFailures = 3, MostLosses = 5;

    // One that a worker has open, and one that it gets meanwhile.
    private const int GroupsOfAWorker = 2;

    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.2), ShortestRun = TimeSpan.FromSeconds(1);

    private readonly IUnitCrew crew;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly ManualResetEventSlim changed = new();
    private readonly Dictionary<string, BoardUnit> units = [];
    private readonly SortedDictionary<int, BoardGroup> groups = [];
    private readonly Dictionary<IUnitHolder, int> failuresInARow = [];

    // The same as what units say of their holders, the other way round: tasks have many units, workers ask often.
    private readonly Dictionary<IUnitHolder, List<BoardUnit>> holdings = [];
    private int loaded, wanted;
    private Exception? fault;

    /// <summary>Begins.</summary>
    /// <param name="crew">The workers.</param>
    /// <param name="task">The task.</param>
    /// <param name="clock">The time; null for the machine's.</param>
    public UnitBoard(IUnitCrew crew, RemoteTask task, TimeProvider? clock = null)
    {
        (this.crew, Task, this.clock) = (crew, task, clock ?? TimeProvider.System);
        Pace = new(this.clock);
    }

    /// <summary>The task.</summary>
    public RemoteTask Task { get; }

    /// <summary>Names the task among those that workers know.</summary>
    public string Session { get; } = Guid.NewGuid().ToString("N");

    /// <summary>How fast units come in.</summary>
    public UnitPace Pace { get; }

    private IEnumerable<IUnitHolder> SetAside => failuresInARow.Where(own => own.Value >= WorkerLink.MostFailures).Select(own => own.Key);

    /// <summary>How many workers are there that units are given to.</summary>
    private int HelperCount => crew.UsableCount - SetAside.Count();

    public void Wait(int group)
    {
        while (true)
        {
            Task.Cancellation.ThrowIfCancellationRequested();
            lock (gate)
            {
                wanted = group;
                Load(group + 1);
                if (fault is not null)
                {
                    throw fault is CladoException ? new CladoException(fault.Message, fault) : fault;
                }
                if (groups[group].Left == 0)
                {
                    groups.Remove(group);
                    return;
                }
                changed.Reset();
            }
            crew.SayWhereNobodyIs();
            changed.Wait(Beat, Task.Cancellation);
        }
    }

    public void Dispose() => crew.End(this);

    /// <summary>Takes units for a worker.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="room">How many at most, with those it has. Range: [1, inf).</param>
    /// <returns>Shape: [units].</returns>
    public IReadOnlyList<RemoteUnit> Take(IUnitHolder worker, int room)
    {
        lock (gate)
        {
            if (fault is not null || SetAside.Contains(worker))
            {
                return [];
            }
            var held = Held(worker);
            var taken = new List<BoardUnit>();
            while (held.Count < Room(room) && Choose(worker, held) is { } group)
            {
                var unit = Fitting(group, worker)!;
                group.Pending.Remove(unit);
                group.Workers.Add(worker);
                taken.Add(Given(unit, worker));
            }
            if (held.Count == 0)
            {
                taken.AddRange(Overdue(worker).Take(worker.Threads).ToArray().Select(unit => Given(unit, worker)));
            }
            return [.. taken.Select(unit => unit.Unit)];
        }
    }

    /// <summary>Whether a worker has had nothing but failures for so long that it is given no more.</summary>
    public bool IsSetAside(IUnitHolder worker)
    {
        lock (gate)
        {
            return SetAside.Contains(worker);
        }
    }

    /// <summary>Whether a worker has units to do.</summary>
    public bool IsHeldBy(IUnitHolder worker)
    {
        lock (gate)
        {
            return Held(worker).Count > 0;
        }
    }

    /// <summary>Hash of a group's input; null where it was not made yet.</summary>
    public string? InputOf(int group)
    {
        lock (gate)
        {
            return groups.GetValueOrDefault(group)?.Input;
        }
    }

    /// <summary>Notes the hash of a group's input.</summary>
    public void NoteInput(int group, string hash)
    {
        lock (gate)
        {
            groups.GetValueOrDefault(group)?.Input = hash;
        }
    }

    /// <summary>Keeps what a unit came to, unless it is kept already.</summary>
    public void Finish(IUnitHolder worker, string key, byte[] values)
    {
        BoardUnit? unit;
        lock (gate)
        {
            if (!units.TryGetValue(key, out unit) || unit.IsOver)
            {
                return;
            }
            if (values.Length != unit.Unit.Bytes)
            {
                Fail(worker, key, Invariant($"it came to {values.Length} bytes, {unit.Unit.Bytes} are wanted"));
                return;
            }
            unit.IsOver = true;
            failuresInARow.Remove(worker);
            // There it is where the answer is that of a worker that was given up.
            groups[unit.Unit.Group].Pending.Remove(unit);
        }
        try
        {
            Task.Keep(unit.Unit, values);
        }
        catch (Exception e)
        {
            Break(e);
            return;
        }
        lock (gate)
        {
            Pace.Add(clock.GetUtcNow() - unit.Since);
            units.Remove(key);
            foreach (var holder in unit.Holders)
            {
                Held(holder).Remove(unit);
            }
            groups[unit.Unit.Group].Left--;
            changed.Set();
        }
    }

    /// <summary>
    /// Notes that a unit failed on a worker that had it to do; it is given to others, or the task ends: where it failed too often, or
    /// nobody is left to give it to.
    /// </summary>
    public void Fail(IUnitHolder worker, string key, string problem)
    {
        lock (gate)
        {
            if (units.TryGetValue(key, out var unit) && !unit.IsOver && unit.Holders.Contains(worker))
            {
                unit.Failures.Add(worker);
                Return(unit, worker);
                failuresInARow[worker] = failuresInARow.GetValueOrDefault(worker) + 1;
                if (unit.Failures.Count >= MostFailures)
                {
                    var names = string.Join(", ", unit.Failures.Select(own => own.Name).Distinct());
                    Break(new CladoException(Invariant($"{problem} (the unit {key} failed {unit.Failures.Count} times, on {names})")));
                }
                if (SetAside.Contains(worker) && HelperCount <= 0)
                {
                    var names = string.Join(", ", SetAside.Select(own => own.Name));
                    Break(new CladoException($"{problem} (nothing but failures on all workers that are there: {names})"));
                }
            }
        }
    }

    /// <summary>Takes a unit back that a worker could not begin.</summary>
    public void Return(IUnitHolder worker, string key)
    {
        lock (gate)
        {
            if (units.TryGetValue(key, out var unit))
            {
                Return(unit, worker);
            }
        }
    }

    /// <summary>Takes back all that a worker had to do.</summary>
    public void Lose(IUnitHolder worker)
    {
        lock (gate)
        {
            failuresInARow.Remove(worker);
            foreach (var unit in Held(worker).Where(unit => !unit.IsOver).Reverse().ToArray())
            {
                unit.Losses++;
                Return(unit, worker);
                if (unit.Losses >= MostLosses)
                {
                    Break(new CladoException(
                        Invariant($"{unit.Losses} workers stopped answering while they had the unit {unit.Unit.Key}; ")
                        + "it may take more memory than they have, or something ends them; the same command goes on from here"));
                }
            }
        }
    }

    /// <summary>Ends the task by an error.</summary>
    public void Break(Exception error)
    {
        lock (gate)
        {
            fault ??= error;
            changed.Set();
        }
    }

    private List<BoardUnit> Held(IUnitHolder worker) => holdings.TryGetValue(worker, out var held) ? held : holdings[worker] = [];

    private BoardUnit Given(BoardUnit unit, IUnitHolder worker)
    {
        unit.Holders.Add(worker);
        Held(worker).Add(unit);
        unit.Since = clock.GetUtcNow();
        return unit;
    }

    private void Return(BoardUnit unit, IUnitHolder worker)
    {
        if (unit.Holders.Remove(worker))
        {
            Held(worker).Remove(unit);
            if (unit.Holders.Count == 0 && !unit.IsOver)
            {
                groups[unit.Unit.Group].Pending.AddFirst(unit);
            }
        }
    }

    /// <summary>Units a worker has at most: the last ones are shared by all.</summary>
    private int Room(int room)
    {
        if (loaded < Task.GroupCount)
        {
            return room;
        }
        int pending = groups.Values.Sum(group => group.Pending.Count);
        return Math.Min(room, Math.Max(1, pending / Math.Max(1, HelperCount)));
    }

    /// <summary>A group that a worker takes the next unit of: its own, one that nobody works on, or that with most to do.</summary>
    private BoardGroup? Choose(IUnitHolder worker, IEnumerable<BoardUnit> held)
    {
        int[] own = [.. held.Select(unit => unit.Unit.Group).Distinct()];
        BoardGroup[] fitting = [.. groups.Values.Where(group => Fitting(group, worker) is not null)];
        if (Array.Find(fitting, group => own.Contains(group.Index)) is { } same)
        {
            return same;
        }
        if (own.Length >= GroupsOfAWorker)
        {
            return null;
        }
        if (Array.Find(fitting, group => group.Workers.Contains(worker) || group.Workers.Count == 0) is { } free)
        {
            return free;
        }
        // As far ahead as workers have need of, so that records of unfinished groups do not fill the disk.
        int most = Math.Min(Task.GroupCount, wanted + GroupsOfAWorker * (1 + crew.UsableCount));
        while (loaded < most)
        {
            Load(loaded + 1);
            if (groups[loaded - 1].Pending.Count > 0)
            {
                return groups[loaded - 1];
            }
        }
        return fitting.MaxBy(group => group.Pending.Count);
    }

    private BoardUnit? Fitting(BoardGroup group, IUnitHolder worker) => group.Pending.FirstOrDefault(unit => IsFor(unit, worker));

    /// <summary>Whether a unit did not fail on a worker, or did on all of them.</summary>
    private bool IsFor(BoardUnit unit, IUnitHolder worker) =>
        !unit.Failures.Contains(worker) || unit.Failures.Distinct().Count() >= HelperCount;

    /// <summary>Units that take longer than others, those first that were given away first.</summary>
    private IEnumerable<BoardUnit> Overdue(IUnitHolder worker)
    {
        var since = clock.GetUtcNow() - (Pace.Mean is { } mean && 2 * mean > ShortestRun ? 2 * mean : ShortestRun);
        return units.Values
            .Where(unit => !unit.IsOver && unit.Holders.Count == 1 && !unit.Holders.Contains(worker) && IsFor(unit, worker))
            .Where(unit => unit.Since < since)
            .OrderBy(unit => unit.Since);
    }

    private void Load(int end)
    {
        for (; loaded < end; loaded++)
        {
            var group = groups[loaded] = new BoardGroup(loaded);
            foreach (var unit in Task.Units(loaded).Select(unit => new BoardUnit(unit)))
            {
                units.Add(unit.Unit.Key, unit);
                group.Pending.AddLast(unit);
            }
            group.Left = group.Pending.Count;
        }
    }
}
