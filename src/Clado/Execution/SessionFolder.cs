using System.Diagnostics;
using System.Globalization;

namespace Clado.Execution;

/// <summary>
/// Where constants lie that are too large for a message: a folder a process, which goes with it. Those of a program that was killed are
/// removed by the next one.
/// </summary>
internal static class SessionFolder
{
    private const string Prefix = "clado-tensors-";

    private static readonly Lock Gate = new();
    private static string? own;

    /// <summary>This process's folder, which is there.</summary>
    public static string Own()
    {
        lock (Gate)
        {
            return own = Directory.Exists(own) ? own : Make(Path.GetTempPath());
        }
    }

    /// <summary>Makes this process's folder, and removes those of processes that were killed.</summary>
    /// <param name="parent">Where they lie.</param>
    /// <returns>Path of the folder; it goes when the process ends.</returns>
    internal static string Make(string parent)
    {
        foreach (var left in Directory.EnumerateDirectories(parent, Prefix + "*").Where(IsLeft))
        {
            Remove(left);
        }
        var made = AtomicFile.BeginFolder(parent, $"{Prefix}{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(made);
        return made;
    }

    /// <summary>Whether nobody uses a folder.</summary>
    private static bool IsLeft(string folder)
    {
        string number = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
        // One of our own number, before we have any, is of somebody who had it before: in a container everybody has the same.
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && (process == Environment.ProcessId || !IsRunning(process));
    }

    /// <summary>Removes a folder, unless it is another user's or in use: it is in nobody's way.</summary>
    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
