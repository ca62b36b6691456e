using Clado.Images;
using static System.FormattableString;

namespace Clado.Studio;

/// <summary>The report of a run, served live on this machine alone: budgets and pins are tried, and files written, in a browser.</summary>
public static class StudioHost
{
    /// <summary>Serves until it is stopped.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">How.</param>
    /// <param name="ready">Is told the address, which holds what lets a browser in.</param>
    /// <param name="cancellation">Stops; a file that is being written is left out.</param>
    /// <exception cref="CladoException">ASP.NET Core is not installed, the port is taken, or images cannot be used.</exception>
    public static void Serve(MeasuredRun run, StudioOptions options, Action<string> ready, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ready);
        if (options.Port is < 0 or > ushort.MaxValue)
        {
            throw new CladoException(Invariant($"{Settings.StudioPort} {options.Port}: 0 to {ushort.MaxValue} are wanted"));
        }
        if (options.Images is { } images)
        {
            ImageFolder.Open(images);
        }
        SharedFramework.Use();
        StudioServer.Run(new StudioSession(run, options), options.Port, ready, cancellation).GetAwaiter().GetResult();
    }
}
