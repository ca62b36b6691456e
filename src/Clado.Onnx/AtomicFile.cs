namespace Clado;

/// <summary>
/// Writes a file beside its destination, then renames it. A kill at any moment leaves the old file or the new one, never half of one.
/// </summary>
internal static class AtomicFile
{
    // Files begin one after the other, so that none begins while Abandon removes them.
    private static readonly Lock Beginning = new();
    // What lies on the disk and is of use to nobody yet, by path, with the number of those that count on it.
    private static readonly Dictionary<string, int> Unfinished = [];
    private static readonly TimeSpan PatienceToBegin = TimeSpan.FromSeconds(0.1);

    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new StagedFile(path, write);
        file.Commit();
    }

    /// <summary>Removes the files that are being written at this moment, for a program that ends without finishing them.</summary>
    /// <param name="end">Called at last; no file is begun before it returns.</param>
    public static void Abandon(Action end)
    {
        ArgumentNullException.ThrowIfNull(end);
        // A disk may take its time to begin a file; who is ending cannot wait for it.
        bool alone = Beginning.TryEnter(PatienceToBegin);
        try
        {
            foreach (var path in alone ? Unfinished.Keys : Enumerable.Empty<string>())
            {
                try
                {
                    Delete(path);
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
            Unfinished.Add(path, 1);
            return stream;
        }
    }

    /// <summary>Makes a folder that is not finished before <see cref="Release"/>.</summary>
    /// <param name="parent">The folder it lies in.</param>
    /// <param name="prefix">What its name begins with.</param>
    /// <returns>Its path.</returns>
    internal static string BeginFolder(string parent, string prefix)
    {
        lock (Beginning)
        {
            var path = Path.Combine(parent, $"{prefix}{Guid.NewGuid():N}");
            CreatePrivate(path);
            Unfinished.Add(path, 1);
            return path;
        }
    }

    /// <summary>A file is renamed to where it is of no use by itself: it is unfinished there, too, unless it was there already.</summary>
    /// <param name="path">Where it lay until then.</param>
    /// <param name="next">Where it lies until it is finished or released.</param>
    internal static void Pass(string path, string next)
    {
        lock (Beginning)
        {
            bool isFinished = File.Exists(next) && !Unfinished.ContainsKey(next);
            File.Move(path, next, overwrite: true);
            Unfinished.Remove(path);
            if (!isFinished)
            {
                Unfinished[next] = Unfinished.GetValueOrDefault(next) + 1;
            }
        }
    }

    /// <summary>A file gets its name, and with it what it refers to is finished.</summary>
    /// <param name="path">Where it lay until then.</param>
    /// <param name="destination">Its name; a file that is there is replaced.</param>
    /// <param name="with">What it refers to, or null.</param>
    internal static void Finish(string path, string destination, string? with = null)
    {
        lock (Beginning)
        {
            File.Move(path, destination, overwrite: true);
            Unfinished.Remove(path);
            if (with is not null)
            {
                Unfinished.Remove(with);
            }
        }
    }

    /// <summary>Gives up what is unfinished; it is deleted where nobody else counts on it.</summary>
    /// <param name="path">Path of a file or folder; one that is finished stays.</param>
    internal static void Release(string path)
    {
        lock (Beginning)
        {
            if (Unfinished.TryGetValue(path, out int users) && (Unfinished[path] = users - 1) == 0)
            {
                Unfinished.Remove(path);
                Delete(path);
            }
        }
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Makes a folder that nobody else can look into, where the system knows of such.</summary>
    private static void CreatePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }
}
