using System.Security.Cryptography;
using static System.FormattableString;

namespace Clado.Cluster.Serving;

/// <summary>
/// Files by their hashes, in a folder of this process's own below one that several may share: what is half there goes on after a restart.
/// Those that were used longest ago go first. Safe to use from several threads.
/// </summary>
internal sealed class FileStore : IDisposable
{
    private const string Half = ".part", Locked = "lock";
    private const int MostProcesses = 1024;

    private readonly string folder;
    private readonly long largestBytes;
    private readonly FileStream own;
    private readonly Lock gate = new();

    // Files of which this process has seen that they are whole: a disk may lose or turn bits while none looks.
    private readonly HashSet<string> seen = [];

    /// <summary>Takes a folder.</summary>
    /// <param name="parent">The folder that several processes may share.</param>
    /// <param name="largestBytes">Bytes that are kept at most, as long as nobody needs more at once. Range: [1, inf).</param>
    /// <exception cref="CladoException">It cannot be written.</exception>
    public FileStore(string parent, long largestBytes)
    {
        this.largestBytes = largestBytes;
        (folder, own) = Take(parent);
    }

    /// <summary>Bytes that are kept.</summary>
    public long Bytes
    {
        get
        {
            lock (gate)
            {
                return Files().Sum(file => file.Length);
            }
        }
    }

    /// <summary>Bytes that are there of a file.</summary>
    /// <param name="hash">Its name.</param>
    public long Held(string hash)
    {
        lock (gate)
        {
            var whole = new FileInfo(PathOf(hash));
            return IsWhole(hash) ? whole.Length : new FileInfo(PathOf(hash) + Half) is { Exists: true } half ? half.Length : 0;
        }
    }

    /// <summary>Takes a part that begins where what is there ends; others change nothing.</summary>
    /// <param name="hash">Name of the file.</param>
    /// <param name="length">Bytes of the whole. Range: [0, inf).</param>
    /// <param name="offset">Where the part begins.</param>
    /// <param name="bytes">Shape: [bytes].</param>
    /// <param name="needed">Names of files that must stay.</param>
    /// <returns>Bytes that are there now; 0 where the whole has another hash, and is thrown away.</returns>
    public long Put(string hash, long length, long offset, byte[] bytes, IReadOnlySet<string> needed)
    {
        lock (gate)
        {
            long held = Held(hash);
            if (held >= length || offset != held)
            {
                return held;
            }
            var half = PathOf(hash) + Half;
            using (var stream = new FileStream(half, FileMode.Append, FileAccess.Write))
            {
                stream.Write(bytes);
            }
            return held + bytes.Length < length ? held + bytes.Length : Finish(hash, half, length, needed);
        }
    }

    /// <summary>Opens a file; null where it is not there.</summary>
    /// <param name="hash">Its name.</param>
    public FileStream? Open(string hash)
    {
        lock (gate)
        {
            var path = PathOf(hash);
            if (!IsWhole(hash))
            {
                return null;
            }
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
    }

    public void Dispose() => own.Dispose();

    private long Finish(string hash, string half, long length, IReadOnlySet<string> needed)
    {
        if (new FileInfo(half).Length != length || HashOf(half) != hash)
        {
            File.Delete(half);
            return 0;
        }
        File.Move(half, PathOf(hash), overwrite: true);
        seen.Add(hash);
        MakeRoom(hash, needed);
        return length;
    }

    /// <summary>Whether a file is there as it was put; what is damaged goes.</summary>
    private bool IsWhole(string hash)
    {
        var path = PathOf(hash);
        if (!File.Exists(path))
        {
            return false;
        }
        if (!seen.Contains(hash))
        {
            if (HashOf(path) != hash)
            {
                File.Delete(path);
                return false;
            }
            seen.Add(hash);
        }
        return true;
    }

    private static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private void MakeRoom(string newest, IReadOnlySet<string> needed)
    {
        long bytes = Files().Sum(file => file.Length);
        foreach (var file in Files().OrderBy(file => file.LastWriteTimeUtc).TakeWhile(_ => bytes > largestBytes))
        {
            if (file.Name != newest && !needed.Contains(file.Name))
            {
                bytes -= file.Length;
                file.Delete();
            }
        }
    }

    private FileInfo[] Files() => [.. new DirectoryInfo(folder).GetFiles().Where(file => file.Name != Locked)];

    // A name comes over the network.
    private string PathOf(string hash) => hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower)
        ? Path.Combine(folder, hash) : throw new ArgumentException("no hash", nameof(hash));

    private static (string Folder, FileStream Lock) Take(string parent)
    {
        for (int number = 0; number < MostProcesses; number++)
        {
            var folder = Path.Combine(parent, Invariant($"{number}"));
            try
            {
                Directory.CreateDirectory(folder);
                var path = Path.Combine(folder, Locked);
                return (folder, new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (File.Exists(Path.Combine(folder, Locked)))
            {
                // Another process's.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CladoException($"{Settings.Cache} {parent}: cannot be written ({e.Message}); give another folder", e);
            }
        }
        throw new CladoException($"{Settings.Cache} {parent}: {MostProcesses} processes use it already; give another folder");
    }
}
