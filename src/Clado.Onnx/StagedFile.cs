namespace Clado;

/// <summary>
/// A file that is written whole beside its destination, and not there yet.
/// Disposed without <see cref="Commit()"/>, it leaves nothing behind.
/// </summary>
internal sealed class StagedFile : IDisposable
{
    private readonly string destination;

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
            AtomicFile.Release(Path);
            throw;
        }
    }

    /// <summary>Where the contents lie until they are renamed.</summary>
    public string Path { get; }

    /// <summary>Renames the file to its destination; one that is there is replaced.</summary>
    public void Commit() => Commit(null);

    /// <summary>Renames the file to its destination; what it refers to is finished with it.</summary>
    /// <param name="with">Path of that, or null.</param>
    internal void Commit(string? with) => AtomicFile.Finish(Path, destination, with);

    /// <summary>
    /// Renames the file to a name that only its contents told. There it is unfinished until another is finished that refers to it.
    /// </summary>
    /// <param name="path">The name, in the same folder.</param>
    internal void Pass(string path) => AtomicFile.Pass(Path, path);

    /// <summary>Deletes what was not renamed.</summary>
    public void Dispose() => AtomicFile.Release(Path);
}
