using System.Formats.Tar;

namespace Clado;

/// <summary>Tells files that can be read from those that would never end or never begin: pipes, devices, sockets.</summary>
internal static class InputFile
{
    /// <summary>Says what is wrong with a path that is to be read; nothing is opened that could block.</summary>
    /// <param name="path">Path of a file; links are followed.</param>
    /// <returns>What is wrong, to be put behind the path, or null where it is a regular file.</returns>
    public static string? Problem(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.Length == 0 ? "is an empty path"
            : Directory.Exists(path) ? "is a folder, no file"
            : Target(path) is not { Exists: true } target ? $"no such file{LinkOf(path)}"
            : IsRegular(target) ? null
            : "is no regular file but a pipe or a device";
    }

    /// <summary>Whether there is a regular file.</summary>
    /// <param name="path">Path of a file; links are followed.</param>
    public static bool IsRegular(string path) => Target(path) is { Exists: true } target && IsRegular(target);

    /// <summary>Whether two paths lead to one file: through links, or where upper and lower case are the same.</summary>
    /// <param name="first">Path of a file.</param>
    /// <param name="second">Path of a file.</param>
    public static bool IsSame(string first, string second)
    {
        if (Target(first) is not { Exists: true } one || Target(second) is not { Exists: true } other)
        {
            return Path.GetFullPath(first) == Path.GetFullPath(second);
        }
        return one.FullName == other.FullName
            // One file has one length and one age, whatever it is called. Where a copy has kept both, its contents decide.
            || (one.Length == other.Length && one.LastWriteTimeUtc == other.LastWriteTimeUtc && one.CreationTimeUtc == other.CreationTimeUtc
                && IsRegular(one) && IsRegular(other) && HaveSameBytes(one, other));
    }

    // Whatever has no length of its own is shown as empty; which of these are regular, of all of .NET only the tar writer tells.
    private static bool IsRegular(FileInfo file) =>
        file.Length > 0 || OperatingSystem.IsWindows() || TypeOf(file.FullName) is TarEntryType.RegularFile;

    private static string LinkOf(string path) => new FileInfo(path).LinkTarget is { } link ? $" (a link to {link})" : "";

    /// <summary>The file that a path leads to, which need not be there; null where links go in a circle.</summary>
    private static FileInfo? Target(string path)
    {
        var info = new FileInfo(path);
        try
        {
            return info.ResolveLinkTarget(returnFinalTarget: true) is { } target ? new FileInfo(target.FullName) : info;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static TarEntryType? TypeOf(string path)
    {
        using var stream = new MemoryStream();
        try
        {
            using (var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
            {
                writer.WriteEntry(path, "entry");
            }
        }
        catch (IOException)
        {
            // A socket has no place in an archive.
            return null;
        }
        stream.Position = 0;
        using var reader = new TarReader(stream);
        return reader.GetNextEntry()?.EntryType;
    }

    private static bool HaveSameBytes(FileInfo one, FileInfo other)
    {
        using var first = one.OpenRead();
        using var second = other.OpenRead();
        var (a, b) = (new byte[1 << 16], new byte[1 << 16]);
        while (true)
        {
            int read = first.ReadAtLeast(a, a.Length, throwOnEndOfStream: false);
            if (second.ReadAtLeast(b, b.Length, throwOnEndOfStream: false) != read || !a.AsSpan(0, read).SequenceEqual(b.AsSpan(0, read)))
            {
                return false;
            }
            if (read == 0)
            {
                return true;
            }
        }
    }
}
