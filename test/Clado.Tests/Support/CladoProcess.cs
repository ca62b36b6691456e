using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Clado.Tests.Support;

/// <summary>The command line as a process of its own, for what only a process can be told.</summary>
internal static class CladoProcess
{
    public const int Hangup = 1, Interrupt = 2, Terminate = 15;

    /// <summary>Starts it; its output can be read, and need not be: it is read and thrown away where nobody asks.</summary>
    /// <param name="command">Words of the command line. Shape: [words].</param>
    public static Process Start(params IEnumerable<string> command)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in command.Prepend(Path.Combine(AppContext.BaseDirectory, "Clado.Cli.dll")))
        {
            start.ArgumentList.Add(word);
        }
        return Process.Start(start)!;
    }

    /// <summary>Sends a signal.</summary>
    public static void Signal(Process process, int signal) => _ = Kill(process.Id, signal);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
