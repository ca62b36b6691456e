using Clado.Cluster.Contract;

namespace Clado.Cluster.Serving;

/// <summary>What a worker is, whatever becomes of its silo: units, files, and who does them.</summary>
internal sealed class WorkerMachine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly WorkerOptions options;
    private readonly UnitWorker worker;

    /// <summary>Begins.</summary>
    /// <param name="options">What it may take.</param>
    /// <exception cref="CladoException">Its folder cannot be written.</exception>
    public WorkerMachine(WorkerOptions options)
    {
        this.options = options;
        Files = new FileStore(options.CacheFolder ?? WorkerOptions.DefaultCacheFolder, options.CacheBytes);
        Queue = new UnitQueue(Patience);
        worker = new UnitWorker(Queue, Files, options.Resources, options.RunTimeout);
    }

    /// <summary>Its units.</summary>
    public UnitQueue Queue { get; }

    /// <summary>Its files.</summary>
    public FileStore Files { get; }

    /// <summary>What it is and does.</summary>
    public WorkerState State => new()
    {
        Name = $"{Environment.MachineName}:{Environment.ProcessId}",
        Version = options.Version,
        Processor = options.Processor,
        Threads = options.Resources.Threads,
        MemoryBytes = options.Resources.MemoryBytes,
        Queued = Queue.Count,
        Done = Queue.Done,
        CachedBytes = Files.Bytes,
    };

    public void Dispose()
    {
        worker.Dispose();
        Files.Dispose();
    }
}
