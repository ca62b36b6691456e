using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;

namespace Clado.Execution;

/// <summary>
/// What ends a run of a model before its end: a time limit, since a stranger's model may loop for ever, and a stop. It holds for all
/// runs from <see cref="Enter"/> to <see cref="Dispose"/>, on this thread and on those that work for it
/// (docs/decisions/2026-11-27-stops.md).
/// </summary>
public sealed class RunLimit : IDisposable
{
    /// <summary>Longest time of a run where nothing is said: a batch of images, or the making of a session.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);

    private static readonly AsyncLocal<RunLimit?> Current = new();
    private static readonly RunLimit Default = new(DefaultTimeout, default);

    private readonly RunLimit? outer = Current.Value;
    private readonly TimeSpan timeout;
    private readonly CancellationToken cancellation;

    private RunLimit(TimeSpan timeout, CancellationToken cancellation) => (this.timeout, this.cancellation) = (timeout, cancellation);

    /// <summary>Sets the limit until it is disposed.</summary>
    /// <param name="timeout">Longest time of a run. Range: (0, 30 days].</param>
    /// <param name="cancellation">Ends runs under way, and keeps others from beginning.</param>
    public static RunLimit Enter(TimeSpan timeout, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, TimeSpan.FromDays(30));
        return Current.Value = new RunLimit(timeout, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Current.Value = outer;

    /// <summary>Runs something of ONNX Runtime within the limit.</summary>
    /// <param name="file">Path of the model that errors name.</param>
    /// <param name="problem">What an error of the runtime means: its message follows.</param>
    /// <param name="run">The run.</param>
    /// <param name="end">Makes it end; called from another thread, at any time until the run is over.</param>
    /// <exception cref="OnnxFormatException">The runtime fails, or the time is up.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    internal static T Run<T>(string file, string problem, Func<T> run, Action end)
    {
        var limit = Current.Value ?? Default;
        limit.cancellation.ThrowIfCancellationRequested();
        using var time = new CancellationTokenSource(limit.timeout);
        using var late = time.Token.Register(end);
        using var stopped = limit.cancellation.Register(end);
        try
        {
            return run();
        }
        catch (OnnxRuntimeException e)
        {
            limit.cancellation.ThrowIfCancellationRequested();
            bool isLate = time.IsCancellationRequested;
            throw new OnnxFormatException(file, isLate
                ? Invariant($"was still running after {limit.timeout.TotalSeconds:0.###} s and was ended; a loop in it may have no end. ")
                    + $"Where it only needs longer, allow that with {Settings.RunTimeout} SECONDS"
                : $"{problem}: {CladoException.Plain(e)}", inner: isLate ? new TimeoutException(e.Message, e) : e);
        }
    }
}
