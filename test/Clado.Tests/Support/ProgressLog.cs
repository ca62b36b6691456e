using System.Collections.Concurrent;

namespace Clado.Tests.Support;

/// <summary>Keeps what it is told, in order.</summary>
internal sealed class ProgressLog : IProgress<StageProgress>
{
    private readonly ConcurrentQueue<StageProgress> all = [];

    /// <summary>Shares of stages; messages are left out.</summary>
    public IReadOnlyList<StageProgress> Shares => [.. all.Where(progress => progress.Share is not null)];

    /// <summary>What was told last of the job.</summary>
    public JobProgress Last => Shares[^1].Job!;

    public void Report(StageProgress value) => all.Enqueue(value);
}
