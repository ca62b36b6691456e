using Microsoft.Data.Sqlite;

namespace Clado.Records;

/// <summary>
/// The table of records in an SQLite file: a value and its checksum by key. What goes wrong is told by the file's name. Safe to use from
/// several threads.
/// </summary>
internal sealed class RecordDatabase : IDisposable
{
    // Primary result codes of SQLite (https://www.sqlite.org/rescode.html).
    private const int Permission = 3, Busy = 5, Locked = 6, ReadOnly = 8, Full = 13, CannotOpen = 14;

    private const string Columns = "(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID";

    // The file itself; where it cannot be written, a database in memory has this name, and the file the other.
    private const string Main = "main", Kept = "kept";

    private readonly SqliteConnection connection;
    private readonly Lock gate = new();

    private RecordDatabase(string name, SqliteConnection connection, bool isReadOnly) =>
        (Name, this.connection, IsReadOnly) = (name, connection, isReadOnly);

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>Whether what is written is forgotten in the end, since the file cannot be written.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">Path of the file, or null to keep records in memory only.</param>
    /// <param name="repairs">Whether a file that is damaged as a whole is looked for, and replaced by an empty one.</param>
    /// <param name="notice">Is told of what is damaged.</param>
    /// <param name="patience">How long to wait for another process.</param>
    /// <exception cref="RunFolderException">The file is no record store, or another process holds it.</exception>
    public static RecordDatabase Open(string? path, bool repairs, Action<string>? notice, TimeSpan patience)
    {
        var name = path ?? "records";
        try
        {
            return new(name, OpenFile(path, repairs, patience), isReadOnly: false);
        }
        catch (SqliteException e) when (path is not null && repairs && IsDamage(e))
        {
            notice?.Invoke($"{path}: is damaged ({Reason(e)}); what it held is measured again");
            foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
            {
                File.Delete(file);
            }
            return Open(path, repairs: false, notice, patience);
        }
        catch (SqliteException e) when (path is not null && File.Exists(path) && e.SqliteErrorCode is Permission or ReadOnly or CannotOpen)
        {
            return new(name, OpenReadOnly(path, patience), isReadOnly: true);
        }
        catch (SqliteException e)
        {
            throw Refusal(name, e);
        }
    }

    /// <summary>Writes a record in the place of what is there.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">Shape: [bytes].</param>
    /// <param name="sum">Shape: [bytes].</param>
    public void Write(string key, byte[] value, byte[] sum)
    {
        const string Insert = $"INSERT OR REPLACE INTO {Main}.records VALUES ($key, $value, $sum)";
        Run(Insert, command =>
        {
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$value", value);
            command.Parameters.AddWithValue("$sum", sum);
            return command.ExecuteNonQuery();
        });
    }

    /// <summary>The rows of a key, new ones first; what is no bytes, or of another size, is null.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="length">Bytes the value must have, or null: one of another size is not even loaded.</param>
    /// <returns>Shape: [0 to 2].</returns>
    public IEnumerable<(byte[]? Value, byte[]? Sum)> Read(string key, long? length) =>
        (IsReadOnly ? (string[])[Main, Kept] : [Main]).Select(schema => Read(schema, key, length)).OfType<(byte[]?, byte[]?)>();

    /// <summary>Removes records.</summary>
    /// <param name="prefix">Beginning of their keys.</param>
    public void Remove(string prefix) => Run($"DELETE FROM {Main}.records WHERE substr(key, 1, length($prefix)) = $prefix", command =>
    {
        command.Parameters.AddWithValue("$prefix", prefix);
        return command.ExecuteNonQuery();
    });

    public void Dispose() => connection.Dispose();

    private (byte[]? Value, byte[]? Sum)? Read(string schema, string key, long? length)
    {
        const string Value = "CASE WHEN $bytes < 0 OR length(value) = $bytes THEN value END";
        return Run($"SELECT {Value}, sum FROM {schema}.records WHERE key = $key", command =>
        {
            command.Parameters.AddWithValue("$key", key);
            command.Parameters.AddWithValue("$bytes", length ?? -1);
            using var reader = command.ExecuteReader();
            return reader.Read() ? (reader.GetValue(0) as byte[], reader.GetValue(1) as byte[]) : ((byte[]?, byte[]?)?)null;
        });
    }

    private static SqliteConnection OpenFile(string? path, bool repairs, TimeSpan patience)
    {
        bool check = repairs && File.Exists(path);
        return Opened(path ?? ":memory:", patience, opened =>
        {
            Execute(opened, "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
            Execute(opened, $"CREATE TABLE IF NOT EXISTS records {Columns}");
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

    /// <summary>A store in memory with the file beside it. The file stays as it is, and SQLite makes none of its own beside it.</summary>
    private static SqliteConnection OpenReadOnly(string path, TimeSpan patience)
    {
        try
        {
            return Opened("file::memory:", patience, opened =>
            {
                Execute(opened, $"PRAGMA trusted_schema = OFF; CREATE TABLE records {Columns}");
                using var attach = opened.CreateCommand();
                attach.CommandText = $"ATTACH $file AS {Kept}";
                attach.Parameters.AddWithValue("$file", new Uri(Path.GetFullPath(path)).AbsoluteUri + "?immutable=1");
                attach.ExecuteNonQuery();
                Execute(opened, $"SELECT key, value, sum FROM {Kept}.records LIMIT 0");
            });
        }
        catch (SqliteException e)
        {
            throw Refusal(path, e);
        }
    }

    private static SqliteConnection Opened(string source, TimeSpan patience, Action<SqliteConnection> prepare)
    {
        var opened = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = source,
            Pooling = false,
            DefaultTimeout = Math.Max(1, (int)patience.TotalSeconds),
        }.ToString());
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
                throw Refusal(Name, e);
            }
        }
    }

    private static bool IsDamage(SqliteException e) =>
        e.SqliteErrorCode is not (Permission or Busy or Locked or ReadOnly or Full or CannotOpen);

    private static string Reason(SqliteException e) => CladoException.Plain(e);

    private static RunFolderException Refusal(string name, SqliteException e) => new(name, e.SqliteErrorCode switch
    {
        Busy or Locked => "another program holds it; end that and try again",
        Full => "the disk is full; make room, the same command goes on from there",
        Permission or ReadOnly or CannotOpen => $"cannot be opened for writing ({Reason(e)}); make the folder writable",
        _ => $"is damaged ({Reason(e)}); {Settings.Measure}, with the options the folder was made with, measures again what it held",
    }, e);
}
