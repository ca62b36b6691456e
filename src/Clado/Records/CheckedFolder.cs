using System.Diagnostics;
using System.Security.Cryptography;
using static System.FormattableString;

namespace Clado.Records;

/// <summary>
/// Files of a folder, each with its SHA-256 in <c>SHA256SUMS</c>, which <c>sha256sum -c</c> reads as well. Nothing is read whose sum is not
/// there. A file's new sum joins the old one before the file is renamed into place, and the old one leaves afterwards: whatever a kill
/// leaves behind has its sum. Processes that write take turns.
/// </summary>
/// <param name="path">The folder; made by the first file that is written.</param>
internal sealed class CheckedFolder(string path)
{
    private const string LockFile = ".lock";

    // A turn takes milliseconds, or as long as a slow disk needs for a large file; whoever takes longer than this hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public string FolderPath => path;

    /// <summary>Who the files belong to, as whoever wrote them said; null where that is not known.</summary>
    public string? Owner => ReadSums().Owner;

    /// <summary>Whether there are checksums.</summary>
    public bool HasSums => Has(Checksums.FileName);

    /// <summary>Whether the folder holds what is not of this class's making.</summary>
    public bool HasStrangers => Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Select(e => Path.GetFileName(e)!)
        .Any(name => name is not (Checksums.FileName or LockFile) && !name.EndsWith(".part", StringComparison.Ordinal));

    public string In(string name) => Path.Combine(path, name);

    public bool Has(string name)
    {
        RefuseFolder(name);
        return File.Exists(In(name));
    }

    /// <summary>Throws where a folder lies in the place of a file, which nothing can be renamed to.</summary>
    /// <exception cref="RunFolderException">One does.</exception>
    public void RefuseFolder(string name)
    {
        if (Directory.Exists(In(name)))
        {
            throw new RunFolderException(In(name), "is a folder, where the run keeps a file; move it away");
        }
    }

    /// <summary>Names of the files that fit a pattern, in order.</summary>
    public IEnumerable<string> Names(string pattern) =>
        Directory.EnumerateFiles(path, pattern).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    /// <summary>Whether a file is there and has its sum.</summary>
    public bool IsSound(string name)
    {
        try
        {
            using var stream = Has(name) ? Open(name) : null;
            return stream is not null;
        }
        catch (DamagedFileException)
        {
            return false;
        }
    }

    /// <summary>Opens a file after checking it.</summary>
    /// <exception cref="DamagedFileException">Its contents are not those that were written.</exception>
    public FileStream Open(string name)
    {
        var stream = Whole(name);
        if (stream is not null)
        {
            return stream;
        }
        // It may have been replaced between two looks: nobody does that while we have the lock. Where there can be none, nobody writes.
        try
        {
            using var turn = TakeTurn();
            stream = Whole(name);
        }
        catch (Exception e) when (ReadOnlyFolderException.IsMeant(e))
        {
        }
        return stream ?? throw new DamagedFileException(
            In(name),
            !HasSums ? $"cannot be checked, {Checksums.FileName} is missing"
            : ReadSums().Has(name) ? $"is damaged (its SHA-256 is not that in {Checksums.FileName})"
            : $"has no checksum in {Checksums.FileName}");
    }

    /// <summary>Writes a file through <paramref name="write"/>.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="owner">Who the folder belongs to.</param>
    /// <param name="write">Writes the whole contents to the stream it is given.</param>
    /// <param name="replaces">Whether a file that is there already is replaced; else nothing is written then.</param>
    /// <returns>Whether it was written.</returns>
    /// <exception cref="ReadOnlyFolderException">Nothing can be written there.</exception>
    public bool Write(string name, string owner, Action<Stream> write, bool replaces = true)
    {
        RefuseFolder(name);
        FileStream? turn = null;
        try
        {
            string sum = "";
            AtomicFile.Write(In(name), stream =>
            {
                using var hash = SHA256.Create();
                using (var hashing = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
                {
                    write(hashing);
                }
                sum = Convert.ToHexStringLower(hash.Hash!);
                turn = TakeTurn();
                if (!replaces && Has(name))
                {
                    throw new FileIsThereException();
                }
                Write(ReadSums().With(sum, name) with { Owner = owner });
            });
            Write(ReadSums().Only(sum, name).Settled(line => InputFile.Problem(In(line.Name)) is null && Hash(line.Name) == line.Sum));
            return true;
        }
        catch (FileIsThereException)
        {
            return false;
        }
        catch (Exception e) when (ReadOnlyFolderException.IsMeant(e))
        {
            throw new ReadOnlyFolderException(path, e);
        }
        finally
        {
            turn?.Dispose();
        }
    }

    private Checksums ReadSums()
    {
        var file = In(Checksums.FileName);
        return !HasSums ? Checksums.None
            : InputFile.Problem(file) is not { } problem ? Checksums.Parse(File.ReadAllText(file))
            : throw new RunFolderException(
                file,
                $"{problem}; move it away, and what the folder holds is made again by {Settings.Measure}, "
            + "with the options it was made with");
    }

    private void Write(Checksums sums) => AtomicFile.WriteText(In(Checksums.FileName), sums.ToString());

    /// <summary>The file at its beginning, or null where it has no sum that fits.</summary>
    private FileStream? Whole(string name)
    {
        var stream = Read(name);
        if (ReadSums().Has(name, Convert.ToHexStringLower(SHA256.HashData(stream))))
        {
            stream.Position = 0;
            return stream;
        }
        stream.Dispose();
        return null;
    }

    private string Hash(string name)
    {
        using var stream = Read(name);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private FileStream Read(string name) => InputFile.Problem(In(name)) is { } problem
        ? throw new DamagedFileException(In(name), problem)
        : new FileStream(In(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Waits until no other process has the lock, then holds it until disposed; the system frees it when a process dies.</summary>
    private FileStream TakeTurn()
    {
        RefuseFolder(LockFile);
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new FileStream(In(LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (!ReadOnlyFolderException.IsMeant(e) && File.Exists(In(LockFile)))
            {
                if (waiting.Elapsed > Patience)
                {
                    throw new RunFolderException(path, Invariant(
                        $"another program has been writing to it for {Patience.TotalMinutes:0} minutes; end that and try again"), e);
                }
                Thread.Sleep(10);
            }
        }
    }

    /// <summary>Ends the writing of a file that is not wanted any more.</summary>
    private sealed class FileIsThereException : Exception;
}
