namespace Clado;

/// <summary>Writes a file beside its destination, then renames it: a kill at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var beside = $"{full}.{Guid.NewGuid():N}.part";
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
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
