using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Clado.Records;

/// <summary>
/// Finished units of measuring work, by key, in an SQLite file: a kill loses at most the units under way. Recording is idempotent, and results
/// are always formed from the records, so they do not depend on when or how often a run was interrupted. Every record has a checksum, which holds for its run and
/// its key alone: one that is damaged or another's is measured again. Where the file cannot be written, what is new is kept in memory. Safe to use from several
/// threads.
/// </summary>
public sealed class RecordStore : IDisposable
{
    // Primary result codes of SQLite (https://www.sqlite.org/rescode.html).
    private const int Permission = 3, Busy = 5, Locked = 6, ReadOnly = 8, Full = 13, CannotOpen = 14;

    // Beyond what any loss comes to, and below what sums of squares could overflow by.
    private const double Largest = 1e100;

    private const string Columns = "(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID";

    private readonly string name;
    private readonly string owner;
    private readonly TimeSpan patience;
    private readonly Action<string>? notice;
    private readonly SqliteConnection connection;
    private readonly Lock gate = new();
    private bool damageSaid;

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
        (name, this.owner, this.notice, this.patience) = (path ?? "records", owner, notice, patience ?? TimeSpan.FromSeconds(30));
        try
        {
            connection = Open(path, repairs);
        }
        catch (SqliteException e) when (path is not null && repairs && IsDamage(e))
        {
            notice?.Invoke($"{path}: is damaged ({Reason(e)}); what it held is measured again");
            foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
            {
                File.Delete(file);
            }
            connection = Open(path, repairs: false);
        }
        catch (SqliteException e) when (path is not null && File.Exists(path) && e.SqliteErrorCode is Permission or ReadOnly or CannotOpen)
        {
            connection = OpenReadOnly(path);
            IsReadOnly = true;
        }
        catch (SqliteException e)
        {
            throw Refusal(e);
        }
    }

    /// <summary>Whether new records are forgotten in the end, since the file cannot be written.</summary>
    internal bool IsReadOnly { get; }

    /// <summary>The values of a unit: from the records, or computed now and recorded.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <param name="compute">Measures the unit. Shape: [values].</param>
    /// <param name="count">Values the unit has, where that is known: a record of others does not count. Range: [0, inf).</param>
    /// <returns>Shape: [values].</returns>
    /// <exception cref="RunFolderException">The file cannot be read or written.</exception>
    public T[] GetOrAdd<T>(string key, Func<T[]> compute, int? count = null) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(compute);
        if (Find<T>(key, count) is { } found)
        {
            return found;
        }
        var values = compute();
        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        Run("INSERT OR REPLACE INTO main.records VALUES ($key, $value, $sum)", command =>
        {
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$value", bytes);
            command.Parameters.AddWithValue("$sum", Sum(owner, key, bytes));
            return command.ExecuteNonQuery();
        });
        return values;
    }

    /// <summary>The values of a unit that is recorded, or null.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <param name="count">Values the unit has, where that is known: a record of others does not count. Range: [0, inf).</param>
    /// <returns>Shape: [values].</returns>
    /// <exception cref="RunFolderException">The file cannot be read.</exception>
    public T[]? Find<T>(string key, int? count = null) where T : unmanaged
    {
        long bytes = count is { } known ? (long)known * Unsafe.SizeOf<T>() : -1;
        return Find<T>("main", key, bytes) ?? (IsReadOnly ? Find<T>("kept", key, bytes) : null);
    }

    /// <summary>Forgets units whose result has gone into another record.</summary>
    /// <param name="prefix">Beginning of their keys.</param>
    /// <exception cref="RunFolderException">The file cannot be written.</exception>
    public void Remove(string prefix) => Run("DELETE FROM main.records WHERE substr(key, 1, length($prefix)) = $prefix", command =>
    {
        command.Parameters.AddWithValue("$prefix", prefix);
        return command.ExecuteNonQuery();
    });

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();

    private T[]? Find<T>(string schema, string key, long wantedBytes) where T : unmanaged
    {
        // A value of another size is not even loaded.
        var row = Run($"SELECT CASE WHEN $bytes < 0 OR length(value) = $bytes THEN value END, sum FROM {schema}.records WHERE key = $key", command =>
        {
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$bytes", wantedBytes);
            using var reader = command.ExecuteReader();
            return reader.Read() ? (Value: reader.GetValue(0) as byte[], Sum: reader.GetValue(1) as byte[]) : ((byte[]? Value, byte[]? Sum)?)null;
        });
        if (row is not { } found)
        {
            return null;
        }
        if (found is { Value: { } value, Sum: { } sum } && value.Length % Unsafe.SizeOf<T>() == 0 && Sum(owner, key, value).AsSpan().SequenceEqual(sum)
            && IsMeasured(MemoryMarshal.Cast<byte, T>(value)))
        {
            return MemoryMarshal.Cast<byte, T>(value).ToArray();
        }
        lock (gate)
        {
            if (!damageSaid)
            {
                notice?.Invoke($"{name}: the record '{key}' is damaged; it is measured again, and so are others like it");
                damageSaid = true;
            }
        }
        return null;
    }

    private SqliteConnection Open(string? path, bool repairs)
    {
        bool check = repairs && File.Exists(path);
        return Opened(new SqliteConnectionStringBuilder { DataSource = path ?? ":memory:", Pooling = false }, opened =>
        {
            Execute(opened, $"PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS records {Columns}");
            if (check && Execute(opened, "PRAGMA quick_check(1)") is var said and not "ok")
            {
                throw new SqliteException(said?.ToString(), SQLitePCL.raw.SQLITE_CORRUPT);
            }
            Execute(opened, "SELECT key, value, sum FROM records LIMIT 0");
            // Anything else of that name could make up what it gives.
            if (Execute(opened, "SELECT type FROM sqlite_schema WHERE name = 'records'") is not "table")
            {
                throw new SqliteException("its records are no table", SQLitePCL.raw.SQLITE_CORRUPT);
            }
        });
    }

    /// <summary>A store in memory with the file beside it, of which nobody can change anything; not even files that SQLite keeps beside it are made.</summary>
    private SqliteConnection OpenReadOnly(string path)
    {
        try
        {
            return Opened(new SqliteConnectionStringBuilder { DataSource = "file::memory:", Pooling = false }, opened =>
            {
                Execute(opened, $"PRAGMA trusted_schema = OFF; CREATE TABLE records {Columns}");
                using var attach = opened.CreateCommand();
                attach.CommandText = "ATTACH $file AS kept";
                attach.Parameters.AddWithValue("$file", new Uri(Path.GetFullPath(path)).AbsoluteUri + "?immutable=1");
                attach.ExecuteNonQuery();
                Execute(opened, "SELECT key, value, sum FROM kept.records LIMIT 0");
            });
        }
        catch (SqliteException e)
        {
            throw Refusal(e);
        }
    }

    private SqliteConnection Opened(SqliteConnectionStringBuilder source, Action<SqliteConnection> prepare)
    {
        source.DefaultTimeout = Math.Max(1, (int)patience.TotalSeconds);
        var opened = new SqliteConnection(source.ToString());
        try
        {
            opened.Open();
            prepare(opened);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static object? Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private T Run<T>(string sql, Func<SqliteCommand, T> run)
    {
        lock (gate)
        {
            try
            {
                using var command = connection.CreateCommand();
                command.CommandText = sql;
                return run(command);
            }
            catch (SqliteException e)
            {
                throw Refusal(e);
            }
        }
    }

    /// <summary>Of a record in its run: one of another run, or of another unit, has another.</summary>
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

    /// <summary>Whether values can come of a measurement: no other numbers than finite ones, however well their sum fits.</summary>
    private static bool IsMeasured<T>(ReadOnlySpan<T> values) where T : unmanaged =>
        values.IsEmpty || (typeof(T) == typeof(double) ? Math.Abs(TensorPrimitives.MaxMagnitude(MemoryMarshal.Cast<T, double>(values))) <= Largest
        : typeof(T) != typeof(float) || float.IsFinite(TensorPrimitives.MaxMagnitude(MemoryMarshal.Cast<T, float>(values))));

    private static bool IsDamage(SqliteException e) => e.SqliteErrorCode is not (Permission or Busy or Locked or ReadOnly or Full or CannotOpen);

    private static string Reason(SqliteException e) => e.Message.ReplaceLineEndings(" ");

    private RunFolderException Refusal(SqliteException e) => new(name, e.SqliteErrorCode switch
    {
        Busy or Locked => "another program holds it; end that and try again",
        Full => "the disk is full; make room, the same command goes on from there",
        Permission or ReadOnly or CannotOpen => $"cannot be opened for writing ({Reason(e)}); make the folder writable",
        _ => $"is damaged ({Reason(e)}); clado measure, with the options the folder was made with, measures again what it held",
    }, e);
}
