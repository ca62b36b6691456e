using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Clado.Execution;

/// <summary>
/// Runs units of work on several threads. What one of them throws is thrown as it is, so that callers need to know one kind of error.
/// </summary>
/// <param name="threads">Units at once. Range: [1, inf).</param>
/// <param name="cancellation">Stops between two units.</param>
internal readonly struct SideBySide(int threads, CancellationToken cancellation)
{
    private readonly ParallelOptions options = new() { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };

    /// <summary>The same on one thread.</summary>
    public SideBySide OneByOne => new(1, options.CancellationToken);

    /// <summary>Runs units by number.</summary>
    /// <param name="count">Number of units.</param>
    /// <param name="run">Runs one.</param>
    public void For(int count, Action<int> run)
    {
        try
        {
            Parallel.For(0, count, options, run);
        }
        catch (AggregateException e)
        {
            Throw(e);
        }
    }

    /// <summary>Runs items in as many ranges as there are threads.</summary>
    /// <param name="count">Number of items.</param>
    /// <param name="run">Runs those from one number up to another.</param>
    public void ForRanges(int count, Action<int, int> run)
    {
        int ranges = Math.Min(count, options.MaxDegreeOfParallelism);
        For(ranges, i => run((int)((long)count * i / ranges), (int)((long)count * (i + 1) / ranges)));
    }

    /// <summary>Runs units in order, each begun when a thread is free: for units that differ much in length.</summary>
    /// <param name="units">The units.</param>
    /// <param name="run">Runs one.</param>
    public void ForEach<T>(IEnumerable<T> units, Action<T> run)
    {
        try
        {
            Parallel.ForEach(Partitioner.Create(units, EnumerablePartitionerOptions.NoBuffering), options, run);
        }
        catch (AggregateException e)
        {
            Throw(e);
        }
    }

    /// <summary>An error of the user's says what to do; others may be its consequences.</summary>
    private static void Throw(AggregateException exception)
    {
        var all = exception.Flatten().InnerExceptions;
        ExceptionDispatchInfo.Throw(all.OfType<CladoException>().FirstOrDefault() ?? all[0]);
    }
}
