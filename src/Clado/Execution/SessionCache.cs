namespace Clado.Execution;

/// <summary>
/// Sessions by key, made when they are first asked for and kept while their estimated memory stays under a limit. Beyond it the one used
/// last goes first: batches use all sessions in the same order, of which those used longest ago are wanted soonest. A session in use is
/// never disposed. Safe to use from several threads.
/// </summary>
/// <typeparam name="TKey">What tells sessions apart.</typeparam>
/// <param name="limitBytes">Memory the kept sessions may take; sessions in use count, and may exceed it.</param>
internal sealed class SessionCache<TKey>(long limitBytes) : IDisposable where TKey : notnull
{
    private readonly Lock gate = new();
    private readonly Dictionary<TKey, Entry> entries = [];
    private long clock;

    /// <summary>Uses a session.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="sizeBytes">Estimated memory it takes.</param>
    /// <param name="create">Makes it where it is not there.</param>
    /// <param name="use">What to do with it.</param>
    public T Use<T>(TKey key, long sizeBytes, Func<GraphSession> create, Func<GraphSession, T> use)
    {
        Entry entry;
        lock (gate)
        {
            if (!entries.TryGetValue(key, out entry!))
            {
                entries.Add(key, entry = new Entry(new(create), sizeBytes));
            }
            entry.Users++;
            entry.LastUse = ++clock;
        }
        try
        {
            return use(entry.Session.Value);
        }
        finally
        {
            lock (gate)
            {
                entry.Users--;
                Shrink();
            }
        }
    }

    public void Dispose()
    {
        foreach (var entry in entries.Values.Where(e => e.Session.IsValueCreated))
        {
            entry.Session.Value.Dispose();
        }
    }

    private void Shrink()
    {
        long total = entries.Values.Sum(e => e.SizeBytes);
        foreach (var (key, entry) in entries.Where(e => e.Value.Users == 0).OrderByDescending(e => e.Value.LastUse).ToArray())
        {
            if (total <= limitBytes)
            {
                return;
            }
            total -= entry.SizeBytes;
            entries.Remove(key);
            if (entry.Session.IsValueCreated)
            {
                entry.Session.Value.Dispose();
            }
        }
    }

    private sealed class Entry(Lazy<GraphSession> session, long sizeBytes)
    {
        public Lazy<GraphSession> Session { get; } = session;

        public long SizeBytes { get; } = sizeBytes;

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}
