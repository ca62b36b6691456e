using Clado.Execution;
using Clado.Graphs;

namespace Clado.Images;

/// <summary>Images to run networks on, and the means for it: what every stage takes that looks at images.</summary>
/// <param name="Images">The images.</param>
/// <param name="Preprocessing">How they become inputs.</param>
internal sealed record Workload(ImageSet Images, Preprocessing Preprocessing)
{
    /// <summary>Threads and memory.</summary>
    public Resources Resources { get; init; } = new();

    /// <summary>Where networks run whose losses are measured, never <see cref="Provider.Auto"/>. All else is the processor's.</summary>
    public Provider Provider { get; init; }

    /// <summary>Receives the share done of the stage at hand. Range: [0, 1].</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>Stops between two units of work.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Is told what measuring losses takes; null where nobody asks.</summary>
    public PassLedger? Ledger { get; init; }

    /// <summary>Memory to stay under where networks run.</summary>
    public long MemoryBytes => Resources.MemoryOn(Provider);

    /// <summary>Passes side by side; results do not depend on it.</summary>
    public int Threads => Resources.Threads;

    /// <summary>Runs units side by side until stopped.</summary>
    public SideBySide SideBySide => new(Threads, Cancellation);

    /// <summary>The same on some of the images.</summary>
    /// <param name="count">Images at most. Range: [1, inf).</param>
    public Workload Limit(int count) => this with { Images = Images.Limit(count, 0) };

    /// <summary>The images as a network takes them.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="batchSize">Images a batch. Range: [1, inf).</param>
    public ImageBatches Batches(Graph graph, int batchSize) => new(Images, graph, Preprocessing, batchSize);
}
