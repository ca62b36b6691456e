using System.Collections.Concurrent;

namespace Clado.Execution;

/// <summary>
/// A thread that runs sessions on the GPU, each session on the same one: ONNX Runtime keeps handles and room to compute in, some 130 MiB of
/// the GPU's memory, for every thread that ever ran a session.
/// </summary>
internal sealed class CudaThread
{
    private static readonly Lazy<CudaThread[]> All = new(
        () => [.. Enumerable.Range(0, CudaDevice.MostPasses).Select(_ => new CudaThread())]);

    private static int sessions;

    private readonly BlockingCollection<Action> waiting = [];

    private CudaThread() => new Thread(Work) { IsBackground = true, Name = "GPU" }.Start();

    /// <summary>The thread of the next session: they take turns.</summary>
    public static CudaThread Next() => All.Value[(uint)Interlocked.Increment(ref sessions) % CudaDevice.MostPasses];

    /// <summary>Runs something there, when what came before has run, and waits for it.</summary>
    /// <exception cref="Exception">What it throws.</exception>
    public T Run<T>(Func<T> run)
    {
        var done = new TaskCompletionSource<T>();
        waiting.Add(() =>
        {
            try
            {
                done.SetResult(run());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    private void Work()
    {
        foreach (var work in waiting.GetConsumingEnumerable())
        {
            work();
        }
    }
}
