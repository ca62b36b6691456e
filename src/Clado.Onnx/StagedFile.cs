namespace Clado;

/// <summary>A file that is written whole beside its destination and not there yet; disposed without <see cref="Commit()"/>, it leaves nothing behind.</summary>
public sealed class StagedFile : IDisposable
{
    private readonly string destination;
    private bool isCommitted;

    /// <summary>Writes the contents beside the destination, down to the disk.</summary>
    /// <param name="path">Destination; missing folders are made.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    public StagedFile(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        destination = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(destination)!);
        Path = $"{destination}.{Guid.NewGuid():N}.part";
        try
        {
            using var stream = AtomicFile.Begin(Path);
            write(stream);
            stream.Flush(flushToDisk: true);
        }
        catch
        {
            Remove();
            throw;
        }
    }

    /// <summary>Where the contents lie until they are renamed.</summary>
    public string Path { get; }

    /// <summary>Renames the file to its destination; one that is there is replaced.</summary>
    public void Commit() => Commit(destination);

    /// <summary>Renames the file to a name that only its contents told.</summary>
    /// <param name="path">The name, in the same folder.</param>
    internal void Commit(string path)
    {
        File.Move(Path, path, overwrite: true);
        isCommitted = true;
        AtomicFile.Finish(Path);
    }

    /// <summary>Deletes what was not renamed.</summary>
    public void Dispose()
    {
        if (!isCommitted)
        {
            Remove();
        }
    }

    private void Remove()
    {
        File.Delete(Path);
        AtomicFile.Finish(Path);
    }
}
