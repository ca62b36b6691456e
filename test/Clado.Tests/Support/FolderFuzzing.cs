using Clado.Onnx;
using Microsoft.Data.Sqlite;

namespace Clado.Tests.Support;

/// <summary>
/// A real run folder that is damaged again and again: each verb must then give what it gives undamaged, or refuse in one line that names
/// the folder.
/// </summary>
internal sealed class FolderFuzzing : IDisposable
{
    private const string Budget = "3bit";

    private readonly TemporaryFolder folder = new();
    private readonly string[] measure;
    private readonly byte[] exported;
    private readonly string allocated;

    /// <summary>Makes the folder.</summary>
    /// <param name="loss">The loss it is measured with: mse keeps the units of the outputs beside the rest.</param>
    public FolderFuzzing(string loss)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 1);
        measure = ["measure", folder["model.onnx"], "--images", images, "--bits", "2,4,8", "--equalize", "--measure-activations", "8",
            "--threads", "1", "--loss", loss, "--run"];
        Done([.. measure, folder["run"]]);
        Done("sweep", "--run", folder["run"], "--points", "2", "--rounds", "1");
        Done("report", "--run", folder["run"]);
        (exported, allocated) = (Export(folder["run"])!, Allocate(folder["run"]));
        Done([.. measure, folder["others"], "--rounding", "nearest"]);
        Done("sweep", "--run", folder["others"], "--points", "2", "--rounds", "1");
        // As a kill leaves records: with what SQLite has not yet brought into the file.
        foreach (var run in (string[])["run", "others"])
        {
            using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = folder[$"{run}/records.sqlite"], Pooling = false }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE kept AS SELECT * FROM records WHERE key LIKE 'joint/%'; DELETE FROM records WHERE key LIKE "
                + "'joint/%'; PRAGMA wal_checkpoint(TRUNCATE); "
                + "INSERT INTO records SELECT * FROM kept; DROP TABLE kept";
            command.ExecuteNonQuery();
            Copy(folder[run], folder["killed-" + run]);
        }
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Damages a copy of the folder and looks what becomes of it.</summary>
    /// <param name="seed">Chooses the damage.</param>
    /// <returns>The damage, and the outcome: <c>same</c> or <c>refused</c>, or what must not be.</returns>
    public (string Damage, string Outcome) Try(int seed)
    {
        var run = Fresh(seed % 4 == 0 ? "killed-run" : "run");
        var damage = FolderDamager.Damage(run, folder[seed % 4 == 0 ? "killed-others" : "others"], seed);
        // First those that only read, then the one that makes again what is damaged, then the others once more.
        string[] outcomes =
        [
            Outcome(() => Allocate(run) == allocated, run), Outcome(() => Export(run)!.AsSpan().SequenceEqual(exported), run),
            Outcome(() => Report(run), run),
            Outcome(() => Done([.. measure, run]), run),
            Outcome(() => Allocate(run) == allocated, run), Outcome(() => Export(run)!.AsSpan().SequenceEqual(exported), run),
            Outcome(() => Report(run), run),
        ];
        return (damage, outcomes.FirstOrDefault(o => o is not ("same" or "refused")) ?? string.Join(" ", outcomes));
    }

    /// <summary>
    /// Puts values that no run has into a copy of the folder, with checksums that fit, and looks what becomes of it: any result, but no
    /// crash.
    /// </summary>
    /// <param name="seed">Chooses the values.</param>
    /// <returns>What was done, and the outcome: <c>done</c>, <c>refused</c>, or what must not be.</returns>
    public (string Forgery, string Outcome) TryForged(int seed)
    {
        var run = Fresh("run");
        var forgery = FolderDamager.ForgeSomething(run, seed);
        string[] outcomes =
        [
            .. new Func<bool>[]
            {
                () => Allocate(run).Length > 0, () => Export(run) is not null, () => Report(run), () =>
                    Done("sweep", "--run", run, "--points", "2", "--rounds", "1"),
                () => Done([.. measure, run]), () => Allocate(run).Length > 0,
            }.Select(verb => Outcome(verb, "")),
        ];
        return (forgery, outcomes.FirstOrDefault(o => o is not ("same" or "refused")) ?? string.Join(" ", outcomes));
    }

    private string Fresh(string template)
    {
        var run = folder["case"];
        if (Directory.Exists(run))
        {
            Directory.Delete(run, recursive: true);
        }
        Copy(folder[template], run);
        return run;
    }

    private static string Outcome(Func<bool> isSame, string run)
    {
        try
        {
            return isSame() ? "same" : "ANOTHER RESULT, SILENTLY";
        }
        catch (RefusedException e) when (e.Code == 2)
        {
            return e.Message.StartsWith("clado: ", StringComparison.Ordinal) && e.Message.Contains(run, StringComparison.Ordinal)
                ? "refused" : $"WITHOUT ITS PLACE: {e.Message}";
        }
        catch (RefusedException e)
        {
            return $"EXIT CODE {e.Code}: {e.Message}";
        }
        catch (Exception e)
        {
            return $"ABORTED: {e.GetType().Name} {e.Message} "
                + $"{e.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("Clado", StringComparison.Ordinal))?.Trim()}";
        }
    }

    private static string Allocate(string run) => Output("allocate", "--run", run, "--budget", Budget, "--rounds", "1", "--json");

    private byte[]? Export(string run)
    {
        Done("export", "--run", run, "--budget", Budget, "--rounds", "1", "-o", folder["out.onnx"]);
        return File.ReadAllBytes(folder["out.onnx"]);
    }

    /// <summary>A report shows what results are there: it may be shorter where one is gone, and no more is asked of it.</summary>
    private bool Report(string run) => Done("report", "--run", run, "-o", folder["report.html"]);

    private static bool Done(params string[] command) => Output(command).Length >= 0;

    private static string Output(params string[] command)
    {
        var (code, output, error) = Harness.Command(command);
        return code == 0 ? output : throw new RefusedException(code, error.TrimEnd().Split('\n')[^1]);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    private sealed class RefusedException(int code, string message) : Exception(message)
    {
        public int Code => code;
    }
}
