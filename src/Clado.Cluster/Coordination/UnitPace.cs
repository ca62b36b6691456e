namespace Clado.Cluster.Coordination;

/// <summary>How fast units come in. Safe to use from several threads.</summary>
/// <param name="clock">The time.</param>
internal sealed class UnitPace(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Queue<DateTimeOffset> recent = new();
    private readonly DateTimeOffset begun = clock.GetUtcNow();
    private readonly Lock gate = new();
    private TimeSpan sum;
    private int count;

    /// <summary>Mean time from giving a unit away to its outcome; null before there is one.</summary>
    public TimeSpan? Mean
    {
        get
        {
            lock (gate)
            {
                return count == 0 ? null : sum / count;
            }
        }
    }

    /// <summary>Units a second of late.</summary>
    public double Rate
    {
        get
        {
            lock (gate)
            {
                var now = clock.GetUtcNow();
                while (recent.TryPeek(out var first) && now - first > Window)
                {
                    recent.Dequeue();
                }
                double seconds = Math.Min((now - begun).TotalSeconds, Window.TotalSeconds);
                return seconds > 0 ? recent.Count / seconds : 0;
            }
        }
    }

    /// <summary>Notes an outcome.</summary>
    /// <param name="time">How long it took.</param>
    public void Add(TimeSpan time)
    {
        lock (gate)
        {
            recent.Enqueue(clock.GetUtcNow());
            (sum, count) = (sum + time, count + 1);
        }
    }
}
