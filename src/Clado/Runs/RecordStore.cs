using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace Clado.Runs;

/// <summary>
/// Finished units of measuring work, by key, in an SQLite file: a kill loses at most the units under way. Recording is idempotent, and results
/// are always formed from the records, so they do not depend on when or how often a run was interrupted. Safe to use from several threads.
/// </summary>
public sealed class RecordStore : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly Lock gate = new();

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">Path of the file, or null to keep records in memory only.</param>
    /// <exception cref="RunFolderException">The file is no record store, or another process holds it.</exception>
    public RecordStore(string? path = null)
    {
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path ?? ":memory:", Pooling = false }.ToString());
        try
        {
            connection.Open();
            Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw new RunFolderException(path ?? "records", $"cannot be opened ({e.Message}); remove it to measure again", e);
        }
    }

    /// <summary>The values of a unit: from the records, or computed now and recorded.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <param name="compute">Measures the unit. Shape: [values].</param>
    /// <returns>Shape: [values].</returns>
    public T[] GetOrAdd<T>(string key, Func<T[]> compute) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(compute);
        if (Find<T>(key) is { } found)
        {
            return found;
        }
        var values = compute();
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT OR IGNORE INTO records VALUES ($key, $value)";
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$value", MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            command.ExecuteNonQuery();
        }
        return values;
    }

    /// <summary>The values of a unit that is recorded, or null.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <returns>Shape: [values].</returns>
    public T[]? Find<T>(string key) where T : unmanaged
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT value FROM records WHERE key = $key";
            command.Parameters.AddWithValue("$key", key);
            return command.ExecuteScalar() is byte[] found ? MemoryMarshal.Cast<byte, T>(found).ToArray() : null;
        }
    }

    /// <summary>Forgets units whose result has gone into another record.</summary>
    /// <param name="prefix">Beginning of their keys.</param>
    public void Remove(string prefix)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM records WHERE substr(key, 1, length($prefix)) = $prefix";
            command.Parameters.AddWithValue("$prefix", prefix);
            command.ExecuteNonQuery();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();


    private void Execute(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
