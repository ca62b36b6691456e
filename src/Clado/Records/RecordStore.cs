using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Clado.Records;

/// <summary>
/// Records in an SQLite file: a kill loses at most the units under way. Every record has a checksum, which holds for its run and its key
/// alone. One that is damaged, or another's, is measured again. Where the file cannot be written, what is new is kept in memory.
/// </summary>
internal sealed class RecordStore : IRecordStore
{
    // Beyond what any loss comes to, and below what sums of squares could overflow by.
    private const double Largest = 1e100;

    private readonly string owner;
    private readonly Action<string>? notice;
    private readonly RecordDatabase database;
    private int damagesSaid;

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">Path of the file, or null to keep records in memory only.</param>
    /// <exception cref="RunFolderException">The file is no record store, or another process holds it.</exception>
    public RecordStore(string? path = null)
        : this(path, "", repairs: false, null)
    {
    }

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">Path of the file, or null to keep records in memory only.</param>
    /// <param name="owner">Names the run: records of others do not count.</param>
    /// <param name="repairs">Whether a file that is damaged as a whole is looked for, and replaced by an empty one.</param>
    /// <param name="notice">Is told of what is damaged.</param>
    /// <param name="patience">How long to wait for another process; null for half a minute.</param>
    /// <exception cref="RunFolderException">The file is no record store, or another process holds it.</exception>
    internal RecordStore(string? path, string owner, bool repairs, Action<string>? notice, TimeSpan? patience = null)
    {
        (this.owner, this.notice) = (owner, notice);
        database = RecordDatabase.Open(path, repairs, notice, patience ?? TimeSpan.FromSeconds(30));
    }

    /// <summary>Whether new records are forgotten in the end, since the file cannot be written.</summary>
    internal bool IsReadOnly => database.IsReadOnly;

    /// <inheritdoc/>
    public T[] GetOrAdd<T>(string key, Func<T[]> compute, int? count = null) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(compute);
        if (Find<T>(key, count) is { } found)
        {
            return found;
        }
        var values = compute();
        byte[] bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        database.Write(key, bytes, Sum(owner, key, bytes));
        return values;
    }

    /// <inheritdoc/>
    public T[]? Find<T>(string key, int? count = null) where T : unmanaged
    {
        long? bytes = count is { } known ? (long)known * Unsafe.SizeOf<T>() : null;
        return database.Read(key, bytes).Select(row => Values<T>(key, row)).FirstOrDefault(values => values is not null);
    }

    /// <inheritdoc/>
    public void Remove(string prefix) => database.Remove(prefix);

    /// <inheritdoc/>
    public void Dispose() => database.Dispose();

    /// <summary>The checksum of a record in its run: one of another run, or of another unit, has another.</summary>
    /// <param name="owner">Names the run.</param>
    /// <param name="key">Name of the unit.</param>
    /// <param name="value">Its bytes. Shape: [bytes].</param>
    /// <returns>Shape: [32].</returns>
    internal static byte[] Sum(string owner, string key, byte[] value)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{owner}\n{key}\n"));
        hash.AppendData(value);
        return hash.GetHashAndReset();
    }

    /// <summary>What a row holds, or null where it is damaged.</summary>
    private T[]? Values<T>(string key, (byte[]? Value, byte[]? Sum) row) where T : unmanaged
    {
        if (row is { Value: { } value, Sum: { } sum }
            && value.Length % Unsafe.SizeOf<T>() == 0
            && Sum(owner, key, value).AsSpan().SequenceEqual(sum)
            && IsMeasured(MemoryMarshal.Cast<byte, T>(value)))
        {
            return MemoryMarshal.Cast<byte, T>(value).ToArray();
        }
        if (Interlocked.Exchange(ref damagesSaid, 1) == 0)
        {
            notice?.Invoke($"{database.Name}: the record '{key}' is damaged; it is measured again, and so are others like it");
        }
        return null;
    }

    /// <summary>Whether values can come of a measurement: no other numbers than finite ones, however well their sum fits.</summary>
    private static bool IsMeasured<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        if (values.IsEmpty)
        {
            return true;
        }
        // Comparisons with NaN are false.
        return typeof(T) == typeof(double) ? Math.Abs(TensorPrimitives.MaxMagnitude(MemoryMarshal.Cast<T, double>(values))) <= Largest
            : typeof(T) != typeof(float) || float.IsFinite(TensorPrimitives.MaxMagnitude(MemoryMarshal.Cast<T, float>(values)));
    }
}
