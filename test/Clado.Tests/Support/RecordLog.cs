using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Clado.Tests.Support;

/// <summary>What is recorded in a store of records, noted by the database itself: a unit that is recorded twice is noted twice.</summary>
/// <param name="records">Path of the store.</param>
internal sealed class RecordLog(string records)
{
    /// <summary>Units that were recorded.</summary>
    public int Count => Query("SELECT key FROM log").Count;

    /// <summary>Units that were recorded more than once.</summary>
    public IReadOnlyList<string> Twice => Query("SELECT key FROM log GROUP BY key HAVING count(*) > 1");

    /// <summary>Has the database note every unit that is recorded from now on, those that are recorded already included.</summary>
    public void Begin()
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                Query("CREATE TABLE log AS SELECT key FROM records");
                // Fires for a unit that is recorded a second time as well, though that changes nothing in the table.
                Query("CREATE TRIGGER noted BEFORE INSERT ON records BEGIN INSERT INTO log VALUES (new.key); END");
                return;
            }
            catch (SqliteException) when (waiting.Elapsed < TimeSpan.FromSeconds(30))
            {
                Thread.Sleep(10);
            }
        }
    }

    private List<string> Query(string sql)
    {
        var source = new SqliteConnectionStringBuilder { DataSource = records, Mode = SqliteOpenMode.ReadWrite, Pooling = false };
        using var connection = new SqliteConnection(source.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetString(0));
        }
        return rows;
    }
}
