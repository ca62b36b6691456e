using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Clado.Execution;

/// <summary>Bytes that are called by their hash: in memory, or in a temporary file that goes with this.</summary>
internal sealed class Blob
{
    private readonly byte[]? bytes;
    private readonly SafeFileHandle? file;

    private Blob(string hash, long length, byte[]? bytes, SafeFileHandle? file) =>
        (Hash, Length, this.bytes, this.file) = (hash, length, bytes, file);

    /// <summary>SHA-256 of the bytes: 64 lower-case hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes in memory.</summary>
    /// <param name="bytes">They are not copied. Shape: [bytes].</param>
    public static Blob Of(byte[] bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, bytes, null);

    /// <summary>Bytes in a temporary file.</summary>
    /// <param name="write">Writes them.</param>
    public static Blob Of(Action<Stream> write)
    {
        var path = Path.Combine(SessionFolder.Own(), Path.GetRandomFileName());
        const FileOptions Options = FileOptions.DeleteOnClose | FileOptions.RandomAccess;
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, Options);
        try
        {
            write(stream);
            stream.Flush();
            stream.Position = 0;
            var hash = Convert.ToHexStringLower(SHA256.HashData(stream));
            return new(hash, stream.Length, null, stream.SafeFileHandle);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Some of the bytes.</summary>
    /// <param name="offset">The first. Range: [0, length].</param>
    /// <param name="most">How many at most. Range: [1, inf).</param>
    /// <returns>Shape: [bytes], none at the end.</returns>
    public byte[] Read(long offset, int most)
    {
        var part = new byte[Math.Min(most, Length - offset)];
        if (bytes is not null)
        {
            bytes.AsSpan((int)offset, part.Length).CopyTo(part);
            return part;
        }
        for (int done = 0; done < part.Length;)
        {
            int read = RandomAccess.Read(file!, part.AsSpan(done), offset + done);
            done += read > 0 ? read : throw new EndOfStreamException("a temporary file has become shorter");
        }
        return part;
    }
}
