using System.Text;
using System.Text.Json.Nodes;
using Clado.Records;
using Microsoft.Data.Sqlite;

namespace Clado.Tests.Support;

/// <summary>Damages files of a run folder as disks, people and programs do, and as somebody would who means it.</summary>
internal static class FolderDamager
{
    // As JSON; in a table as they stand.
    private static readonly string[] Strange =
    [
        "null", "-1", "0", "1", "7", "99", "2147483647", "-2147483648", "9999999999999999999", "1e308", "-1e308", "1e-320", "true", "[]",
        "{}", "\"\"", "\"x\\u0000y\"", "\"NaN\"",
        "[null]", "[[1]]", "{\"a\":1}", $"\"{new string('x', 100_000)}\"", string.Concat(Enumerable.Repeat("[", 60))
            + string.Concat(Enumerable.Repeat("]", 60)),
        "[1,2]", "[-1,5]", "[4294967296,4294967296]", "\"F16\"", "\"F64\"", "\"../../x\"", "\"2 bits\"",
    ];

    /// <summary>Writes a file as whoever changed it on purpose: with its checksum.</summary>
    public static void Forge(string run, string name, byte[] content)
    {
        var files = new CheckedFolder(run);
        files.Write(name, files.Owner!, stream => stream.Write(content));
    }

    /// <summary>Puts values that no run has into one file of a folder, checksums and all, the same way for the same seed.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="seed">Chooses file and values.</param>
    /// <returns>What was done, in words.</returns>
    public static string ForgeSomething(string run, int seed)
    {
        var random = new Random(seed);
        string[] names = [.. Directory.GetFiles(run).Select(f => Path.GetFileName(f)!)
            .Where(n => Path.GetExtension(n) is ".json" or ".csv" or ".safetensors" or ".sqlite").Order(StringComparer.Ordinal)];
        var name = names[seed % names.Length];
        if (name.EndsWith(".sqlite", StringComparison.Ordinal))
        {
            return $"{name}: {ForgeRecord(run, random)}";
        }
        var bytes = File.ReadAllBytes(Path.Combine(run, name));
        var (forged, what) = Path.GetExtension(name) switch
        {
            ".json" => ForgeJson(bytes, random),
            ".csv" => ForgeTable(bytes, random),
            _ => ForgeArrays(bytes, random),
        };
        Forge(run, name, forged);
        return $"{name}: {what}";
    }

    private static (byte[] Bytes, string What) ForgeJson(byte[] bytes, Random random)
    {
        var root = JsonNode.Parse(bytes)!;
        var places = new List<JsonNode> { root };
        for (int i = 0; i < places.Count; i++)
        {
            places.AddRange(places[i] switch
            {
                JsonObject o => o.Select(p => p.Value).OfType<JsonNode>(),
                JsonArray a => a.OfType<JsonNode>(),
                _ => [],
            });
        }
        // The first places more often: those of large arrays are all alike.
        var place = places[random.Next(random.Next(2) == 0 ? Math.Min(40, places.Count) : places.Count)];
        var path = place.GetPath();
        string text = Strange[random.Next(Strange.Length)];
        var value = JsonNode.Parse(text);
        switch (place.Parent)
        {
            case JsonObject parent when random.Next(6) == 0:
                parent.Remove(place.GetPropertyName());
                text = "nothing";
                break;
            case JsonObject parent:
                parent[place.GetPropertyName()] = value;
                break;
            case JsonArray parent when random.Next(6) == 0:
                parent.Add(place.DeepClone());
                text = "twice the same";
                break;
            case JsonArray parent:
                parent[place.GetElementIndex()] = value;
                break;
            default:
                return (Encoding.UTF8.GetBytes(text), $"nothing but {text[..Math.Min(30, text.Length)]}");
        }
        return (Encoding.UTF8.GetBytes(root.ToJsonString()), $"{path} = {text[..Math.Min(30, text.Length)]}");
    }

    private static (byte[] Bytes, string What) ForgeTable(byte[] bytes, Random random)
    {
        var rows = Encoding.UTF8.GetString(bytes).Split('\n').Select(row => row.Split(',').ToList()).ToList();
        int at = random.Next(rows.Count), cell = random.Next(rows[at].Count);
        string text = Strange[random.Next(Strange.Length)].Replace("\n", "", StringComparison.Ordinal);
        switch (random.Next(4))
        {
            case 0:
                rows.RemoveAt(at);
                text = "row removed";
                break;
            case 1:
                rows.Insert(at, rows[at]);
                text = "row doubled";
                break;
            default:
                rows[at][cell] = text;
                break;
        }
        return (Encoding.UTF8.GetBytes(string.Join('\n', rows.Select(row => string.Join(',', row)))),
            $"row {at}, cell {cell}: {text[..Math.Min(30, text.Length)]}");
    }

    private static (byte[] Bytes, string What) ForgeArrays(byte[] bytes, Random random)
    {
        int length = (int)BitConverter.ToInt64(bytes);
        if (random.Next(3) == 0)
        {
            double[] values = [double.NaN, double.PositiveInfinity, 1e308, -1e308, 5e-324, -1];
            var value = values[random.Next(values.Length)];
            var raw = random.Next(2) == 0 ? BitConverter.GetBytes(value) : BitConverter.GetBytes((float)value);
            int place = 8 + length + (random.Next((bytes.Length - 8 - length) / 8) * 8);
            raw.CopyTo(bytes, place);
            return (bytes, $"{value} of {raw.Length} bytes at {place}");
        }
        if (random.Next(8) == 0)
        {
            long[] lengths = [-1, long.MaxValue, int.MaxValue, 1, 0, bytes.Length, bytes.Length - 8];
            long header = lengths[random.Next(lengths.Length)];
            BitConverter.GetBytes(header).CopyTo(bytes, 0);
            return (bytes, $"a header of {header} bytes");
        }
        var (forged, what) = ForgeJson(bytes[8..(8 + length)], random);
        return ([.. BitConverter.GetBytes((long)forged.Length), .. forged, .. bytes[(8 + length)..]], what);
    }

    private static string ForgeRecord(string run, Random random)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(run, "records.sqlite"), Pooling = false }.ToString());
        connection.Open();
        string[] destructive =
        [
            "DROP TABLE records",
            "DROP TABLE records; CREATE VIEW records AS SELECT 'a' AS key, zeroblob(900000000) AS value, zeroblob(32) AS sum",
            "DROP TABLE records; CREATE TABLE records (key, value)", "UPDATE records SET value = 'text'", "UPDATE records SET sum = 7",
            "UPDATE records SET value = zeroblob(1000000)",
            "PRAGMA user_version = 99", "DELETE FROM records WHERE key LIKE 'joint%'",
        ];
        if (random.Next(3) == 0)
        {
            var sql = destructive[random.Next(destructive.Length)];
            Execute(connection, sql);
            return sql;
        }
        var keys = new List<string>();
        using (var command = connection.CreateCommand())
        {
            command.CommandText = "SELECT key FROM records";
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                keys.Add(reader.GetString(0));
            }
        }
        var key = keys[random.Next(keys.Count)];
        var value = new byte[random.Next(3) == 0 ? random.Next(100) : 8 * random.Next(5000)];
        double[] values = [double.NaN, double.NegativeInfinity, 1e308, -1, 0];
        double fill = values[random.Next(values.Length)];
        for (int i = 0; i + 8 <= value.Length; i += 8)
        {
            BitConverter.TryWriteBytes(value.AsSpan(i), fill);
        }
        using var update = connection.CreateCommand();
        update.CommandText = "UPDATE records SET value = $value, sum = $sum WHERE key = $key";
        update.Parameters.AddWithValue("$key", key);
        update.Parameters.AddWithValue("$value", value);
        update.Parameters.AddWithValue("$sum", RecordStore.Sum(new CheckedFolder(run).Owner!, key, value));
        update.ExecuteNonQuery();
        return $"'{key}' is {value.Length} bytes of {fill}";
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Damages one file of a folder, the same way for the same seed.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="others">A run folder of other options, whose files of the same name may come in.</param>
    /// <param name="seed">Chooses file and damage.</param>
    /// <returns>What was done, in words.</returns>
    public static string Damage(string run, string others, int seed)
    {
        var random = new Random(seed);
        string[] names = [.. Directory.GetFiles(run).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];
        // Every file as often as any other, however many bytes it has.
        var name = names[seed % names.Length];
        var path = Path.Combine(run, name);
        var bytes = File.ReadAllBytes(path);
        int kind = random.Next(8);
        switch (kind)
        {
            case 0 or 1 when bytes.Length > 0:
                int flips = 1 << random.Next(4);
                for (int i = 0; i < flips; i++)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }
                File.WriteAllBytes(path, bytes);
                return $"{name}: {flips} bits flipped";
            case 2 when bytes.Length > 0:
                int from = random.Next(bytes.Length), count = Math.Min(bytes.Length - from, 1 + random.Next(4096));
                random.NextBytes(bytes.AsSpan(from, count));
                File.WriteAllBytes(path, bytes);
                return $"{name}: {count} random bytes at {from}";
            case 3 when bytes.Length > 0:
                int length = random.Next(bytes.Length);
                File.WriteAllBytes(path, bytes[..length]);
                return $"{name}: cut to {length} bytes";
            case 4:
                File.Delete(path);
                return $"{name}: removed";
            case 5:
                File.WriteAllBytes(path, [.. bytes, .. bytes.AsSpan(0, random.Next(bytes.Length + 1))]);
                return $"{name}: a part of it appended";
            case 6 when File.Exists(Path.Combine(others, name)):
                File.Copy(Path.Combine(others, name), path, overwrite: true);
                return $"{name}: that of another run";
            default:
                var other = names[random.Next(names.Length)];
                File.WriteAllBytes(path, File.ReadAllBytes(Path.Combine(run, other)));
                File.WriteAllBytes(Path.Combine(run, other), bytes);
                return $"{name}: swapped with {other}";
        }
    }
}
