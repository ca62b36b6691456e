using Clado.Cluster.Contract;

namespace Clado.Cluster.Serving;

/// <summary>
/// The units of all coordinators: those to do, in the order in which they came, those that are done and not collected yet. What a
/// coordinator that is silent for long has here is forgotten. Safe to use from several threads.
/// </summary>
/// <param name="patience">How long a coordinator may be silent.</param>
internal sealed class UnitQueue(TimeSpan patience)
{
    // Results that nobody has collected: no more units are begun until somebody does.
    private const long MostBytes = 256L << 20;

    // In one message.
    private const int MostInMessage = 4 << 20;

    private readonly Lock gate = new();
    private readonly List<ServedUnit> units = [];
    private readonly Dictionary<string, DateTime> heard = [];
    private TaskCompletionSource news = New();

    /// <summary>Whether units are to be begun no more.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Units to do.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return units.Count(unit => !unit.IsOver);
            }
        }
    }

    /// <summary>Units done since the beginning.</summary>
    public long Done { get; private set; }

    /// <summary>Names of the files that units to do want.</summary>
    public IReadOnlySet<string> Files
    {
        get
        {
            lock (gate)
            {
                var assignments = units.Where(unit => !unit.IsOver).Select(unit => unit.Assignment).Distinct();
                return assignments.SelectMany(own => (string[])[own.Task, own.Input, .. own.Files]).ToHashSet();
            }
        }
    }

    /// <summary>Adds units; those that are here already are no others.</summary>
    public void Add(Assignment assignment)
    {
        lock (gate)
        {
            heard[assignment.Session] = DateTime.UtcNow;
            Forget(assignment.Session, assignment.Received);
            var here = units.Where(unit => unit.Assignment.Session == assignment.Session).Select(unit => unit.Key).ToHashSet();
            units.AddRange(assignment.Keys.Zip(assignment.Rows, (key, row) => new ServedUnit(assignment, key, row))
                .Where(unit => !here.Contains(unit.Key)));
            Tell();
        }
    }

    /// <summary>Takes a unit to do: of those that work on the same as another, or the first of all.</summary>
    /// <param name="like">The other unit; null where any will do.</param>
    /// <returns>The unit; null where there is none, or too much is not collected.</returns>
    public ServedUnit? Take(ServedUnit? like)
    {
        lock (gate)
        {
            ForgetSilent();
            if (IsStopped || units.Sum(unit => (long)(unit.Values?.Length ?? 0)) > MostBytes)
            {
                return null;
            }
            var found = units.Find(unit => !unit.IsBegun && (like is null || unit.Shares(like)));
            found?.IsBegun = true;
            return found;
        }
    }

    /// <summary>Gives a unit back that was taken and not begun.</summary>
    public void Return(ServedUnit unit)
    {
        lock (gate)
        {
            unit.IsBegun = false;
            Tell();
        }
    }

    /// <summary>Says what a unit came to.</summary>
    public void Finish(ServedUnit unit, byte[] values)
    {
        lock (gate)
        {
            unit.Values = values;
            Done++;
            Tell();
        }
    }

    /// <summary>Says that a unit could not be done, nor any that was not begun and works on the same where that is why.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="problem">Why.</param>
    /// <param name="isMissing">Whether it is since a file is not there any more.</param>
    /// <param name="isOfAll">Whether it holds of all that work on the same.</param>
    public void Fail(ServedUnit unit, string problem, bool isMissing, bool isOfAll)
    {
        lock (gate)
        {
            foreach (var own in units.Where(own => own == unit || (isOfAll && !own.IsBegun && own.Shares(unit))))
            {
                (own.IsBegun, own.Problem, own.IsMissing) = (true, problem, isMissing);
            }
            Tell();
        }
    }

    /// <summary>What became of units, as soon as there is something to tell.</summary>
    /// <param name="session">Whose units.</param>
    /// <param name="received">Keys of units that are to be forgotten. Shape: [units].</param>
    /// <param name="wait">How long to wait for news.</param>
    public async Task<Outcome[]> Collect(string session, string[] received, TimeSpan wait)
    {
        var until = DateTime.UtcNow + wait;
        while (true)
        {
            Task next;
            lock (gate)
            {
                heard[session] = DateTime.UtcNow;
                Forget(session, received);
                var outcomes = Over(session);
                if (outcomes.Length > 0 || DateTime.UtcNow >= until)
                {
                    return outcomes;
                }
                next = news.Task;
            }
            await Task.WhenAny(next, Task.Delay(until - DateTime.UtcNow is { Ticks: > 0 } left ? left : TimeSpan.Zero));
        }
    }

    /// <summary>The rest of what a unit came to. Shape: [bytes].</summary>
    public byte[] Read(string session, string key, long offset)
    {
        lock (gate)
        {
            var values = units.Find(unit => unit.Assignment.Session == session && unit.Key == key)?.Values;
            return values is null || offset >= values.Length ? []
                : values[(int)offset..(int)Math.Min(values.Length, offset + MostInMessage)];
        }
    }

    /// <summary>Forgets what a coordinator has here.</summary>
    public void Drop(string session)
    {
        lock (gate)
        {
            units.RemoveAll(unit => unit.Assignment.Session == session);
            heard.Remove(session);
            Tell();
        }
    }

    /// <summary>Begins no more units.</summary>
    public void Stop()
    {
        lock (gate)
        {
            IsStopped = true;
            Tell();
        }
    }

    /// <summary>Has all who wait look again.</summary>
    public void Wake()
    {
        lock (gate)
        {
            Tell();
        }
    }

    /// <summary>Waits for units, or for whatever else may have changed.</summary>
    public void Wait(TimeSpan most)
    {
        Task next;
        lock (gate)
        {
            next = news.Task;
        }
        next.Wait(most);
    }

    private void Forget(string session, string[] received)
    {
        var old = received.ToHashSet();
        if (units.RemoveAll(unit => unit.Assignment.Session == session && unit.IsOver && old.Contains(unit.Key)) > 0)
        {
            // There may be room again for what others come to.
            Tell();
        }
    }

    private Outcome[] Over(string session)
    {
        long bytes = 0;
        var over = units.Where(unit => unit.Assignment.Session == session && unit.IsOver);
        // The first however long it is.
        return [.. over.Select(unit => unit.Outcome(MostInMessage)).TakeWhile(own => (bytes += own.Bytes.Length) <= MostInMessage)];
    }

    private void ForgetSilent()
    {
        foreach (var session in heard.Where(own => DateTime.UtcNow - own.Value > patience).Select(own => own.Key).ToArray())
        {
            Drop(session);
        }
    }

    private void Tell()
    {
        news.TrySetResult();
        news = New();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
