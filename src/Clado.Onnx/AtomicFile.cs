using System.Collections.Concurrent;

namespace Clado;

/// <summary>Writes a file beside its destination, then renames it: a kill at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    private static readonly ConcurrentDictionary<string, bool> Unfinished = new();

    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var beside = $"{full}.{Guid.NewGuid():N}.part";
        Unfinished.TryAdd(beside, true);
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, full, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
        finally
        {
            Unfinished.TryRemove(beside, out _);
        }
    }

    /// <summary>Removes the files that are being written at this moment: for a program that is about to end without finishing them.</summary>
    public static void Abandon()
    {
        foreach (var beside in Unfinished.Keys)
        {
            try
            {
                File.Delete(beside);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Left behind then: what is ending cannot wait for it.
            }
        }
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
