namespace Clado;

/// <summary>Writes a file beside its destination, then renames it: a kill at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new StagedFile(path, write);
        file.Commit();
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
