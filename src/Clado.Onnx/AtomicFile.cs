namespace Clado;

/// <summary>Writes a file beside its destination, then renames it: a kill at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    // Files begin one after the other, so that none begins while Abandon removes them.
    private static readonly Lock Beginning = new();
    private static readonly HashSet<string> Unfinished = [];
    private static readonly TimeSpan PatienceToBegin = TimeSpan.FromSeconds(0.1);

    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new StagedFile(path, write);
        file.Commit();
    }

    /// <summary>Removes the files that are being written at this moment: for a program that is about to end without finishing them.</summary>
    /// <param name="end">Called at last; no file is begun before it returns.</param>
    public static void Abandon(Action end)
    {
        ArgumentNullException.ThrowIfNull(end);
        // A disk may take its time to begin a file; who is ending cannot wait for it.
        bool alone = Beginning.TryEnter(PatienceToBegin);
        try
        {
            foreach (var beside in alone ? Unfinished : [])
            {
                try
                {
                    File.Delete(beside);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Left behind then.
                }
            }
            end();
        }
        finally
        {
            if (alone)
            {
                Beginning.Exit();
            }
        }
    }

    /// <summary>Begins a file that is not finished before <see cref="Finish"/>.</summary>
    /// <param name="path">Where it lies until then.</param>
    internal static FileStream Begin(string path)
    {
        lock (Beginning)
        {
            var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
            Unfinished.Add(path);
            return stream;
        }
    }

    /// <summary>A file has its name, or is gone.</summary>
    /// <param name="path">Where it lay until then.</param>
    internal static void Finish(string path)
    {
        lock (Beginning)
        {
            Unfinished.Remove(path);
        }
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
