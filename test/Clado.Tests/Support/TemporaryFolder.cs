namespace Clado.Tests.Support;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("clado-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a pipe that nobody writes to: whoever opens it to read waits for ever.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Whether this system has such files.</returns>
    public bool Pipe(string name)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }
        using var made = System.Diagnostics.Process.Start("mkfifo", [this[name]]);
        made.WaitForExit();
        return made.ExitCode == 0;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
