using System.Diagnostics;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Studio;

/// <summary>A studio as a process of its own, as it is started by people: the program does not ask for ASP.NET Core before.</summary>
internal sealed class StudioProcess : IDisposable
{
    private const int MostSeconds = 30;

    private readonly Process process;

    private StudioProcess(Process process, string address) => (this.process, Address) = (process, address);

    /// <summary>Where it is.</summary>
    public string Address { get; }

    /// <summary>Starts it, and waits until it says where it is.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="options">More words. Shape: [words].</param>
    public static StudioProcess Start(string run, params string[] options)
    {
        var process = CladoProcess.Start(["studio", run, .. options]);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var line = process.StandardOutput.ReadLine();
        Assert.StartsWith("studio: http://127.0.0.1:", line, StringComparison.Ordinal);
        return new(process, line!["studio: ".Length..]);
    }

    /// <summary>Ends it as Ctrl-C does; gives the exit code.</summary>
    public int End()
    {
        CladoProcess.Signal(process, CladoProcess.Interrupt);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(MostSeconds)));
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }
        process.Dispose();
    }
}
