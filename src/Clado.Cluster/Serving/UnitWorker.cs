using Clado.Execution;
using Clado.Sensitivity.Remote;

namespace Clado.Cluster.Serving;

/// <summary>
/// Does units on threads of its own. One batch is open at a time, that memory does not grow with what is to do: all threads measure its
/// units, then the next is opened.
/// </summary>
internal sealed class UnitWorker : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private readonly UnitQueue queue;
    private readonly FileStore files;
    private readonly Resources resources;
    private readonly TimeSpan runTimeout;
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly Thread[] threads;
    private (string Name, ServedTask Task)? task;
    private (ServedUnit Like, ServedBatch Batch)? open;
    private int running;

    /// <summary>Begins.</summary>
    /// <param name="queue">The units.</param>
    /// <param name="files">Their files.</param>
    /// <param name="resources">Threads and memory.</param>
    /// <param name="runTimeout">Longest time of a run of a network.</param>
    public UnitWorker(UnitQueue queue, FileStore files, Resources resources, TimeSpan runTimeout)
    {
        (this.queue, this.files, this.resources, this.runTimeout) = (queue, files, resources, runTimeout);
        threads = [.. Enumerable.Range(0, resources.Threads).Select(_ => new Thread(Loop) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
    }

    public void Dispose()
    {
        queue.Stop();
        stop.Cancel();
        Array.ForEach(threads, thread => thread.Join());
        Close();
        task?.Task.Dispose();
        stop.Dispose();
    }

    private void Loop()
    {
        using var limit = RunLimit.Enter(runTimeout, stop.Token);
        while (!queue.IsStopped)
        {
            if (Next() is var (unit, batch))
            {
                Measure(unit, batch);
                lock (gate)
                {
                    running--;
                }
            }
            else
            {
                queue.Wait(Beat);
            }
        }
    }

    /// <summary>A unit of the batch that is open; where it has none and nobody works on it, of the next.</summary>
    private (ServedUnit, ServedBatch)? Next()
    {
        lock (gate)
        {
            var unit = open is null ? null : queue.Take(open.Value.Like);
            if (unit is null && running == 0 && queue.Take(null) is { } next)
            {
                unit = Open(next) ? next : null;
            }
            running += unit is null ? 0 : 1;
            return unit is null ? null : (unit, open!.Value.Batch);
        }
    }

    private bool Open(ServedUnit unit)
    {
        Close();
        try
        {
            var assignment = unit.Assignment;
            if (task?.Name != assignment.Task)
            {
                task?.Task.Dispose();
                task = null;
                task = (assignment.Task, ServedTask.Read(Bytes(assignment.Task), File, resources, stop.Token));
            }
            open = (unit, task.Value.Task.Open(assignment.Group, Bytes(assignment.Input)));
            queue.Wake();
            return true;
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            queue.Fail(unit, Words(e), e is FileNotFoundException, isOfAll: true);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Close()
    {
        open?.Batch.Dispose();
        open = null;
    }

    private void Measure(ServedUnit unit, ServedBatch batch)
    {
        try
        {
            queue.Finish(unit, batch.Measure(unit.Row));
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            queue.Fail(unit, Words(e), isMissing: false, isOfAll: false);
        }
        catch (OperationCanceledException)
        {
            queue.Return(unit);
        }
    }

    /// <summary>What is wrong in a task is its owner's matter, a defect too: this machine goes on.</summary>
    private static string Words(Exception e) => e is CladoException ? e.Message : $"{e.GetType().Name}: {e.Message}";

    private FileStream File(string hash) => files.Open(hash) ?? throw new FileNotFoundException($"the file {hash} is not here any more");

    private byte[] Bytes(string hash)
    {
        using var stream = File(hash);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
