using System.Runtime.InteropServices;

namespace Clado.Cli;

/// <summary>
/// Ends the program within a second of being told to (Ctrl-C, SIGTERM, SIGHUP). First the work is asked to stop.
/// Where it is in the middle of something that cannot be asked, or is told a second time, the process ends.
/// Nothing is lost by that: files are renamed into place, records are transactions.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>Exit code of a program that a signal stops, but for the signal's number: as shells have it.</summary>
    public const int FirstCode = 128;

    public const string Message = "stopped; what a run folder holds is kept, and measuring goes on from there";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan PatienceForMessage = TimeSpan.FromSeconds(0.1);

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private int told;

    public StopSignals()
    {
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, Stop))];
    }

    /// <summary>Is cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>The exit code for who is stopped: that of the signal that said so.</summary>
    public int ExitCode { get; private set; } = App.Stopped;

    public void Dispose()
    {
        Array.ForEach(registrations, registration => registration.Dispose());
        source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        ExitCode = CodeOf(context.Signal);
        if (Interlocked.Increment(ref told) > 1)
        {
            End();
        }
        // A thread of its own: the pool's may all be busy, and cancelling runs whatever is registered with the token.
        new Thread(() =>
        {
            Thread.Sleep(Patience);
            End();
        })
        { IsBackground = true }.Start();
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The work has ended meanwhile.
        }
    }

    /// <summary>Ends the process at once; threads inside native code keep it from an orderly end.</summary>
    private void End()
    {
        // Whoever reads messages may have stopped reading.
        var message = new Thread(() => Console.Error.WriteLine($"\nclado: {Message}")) { IsBackground = true };
        message.Start();
        message.Join(PatienceForMessage);
        Destination.Abandon(() =>
        {
            if (OperatingSystem.IsWindows())
            {
                _ = TerminateProcess(-1, (uint)ExitCode);
            }
            ExitNow(ExitCode);
        });
    }

    private static int CodeOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => FirstCode + 1,
        PosixSignal.SIGTERM => FirstCode + 15,
        _ => App.Stopped,
    };

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void ExitNow(int code);

    [DllImport("kernel32")]
    private static extern int TerminateProcess(nint process, uint code);
}
