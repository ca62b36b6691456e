using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Clado.Onnx;
using Clado.Records;
using Clado.Runs;
using Clado.Tests.Support;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>A run folder that is damaged gives what it gave before, or one line; never another result, never a stack trace.</summary>
public class DamagedFolderTests
{
    private static readonly string[] Products =
        ["run.json", "layers.csv", "kept.csv", "equalization.json", "ranges.json", "candidates.csv", "candidates.safetensors",
            "sensitivity.safetensors", "records.sqlite"];

    [Fact]
    public void WhatIsDamagedIsNamedMadeAgainByMeasuringAndRefusedByOthers()
    {
        using var folder = new TemporaryFolder();
        string[] measure = Measured(folder, "--equalize", "--measure-activations", "8");
        string[] export = ["export", "--run", folder["run"], "--budget", "3bit", "--rounds", "1", "-o", folder["o.onnx"]];
        Succeeds(export);
        var whole = File.ReadAllBytes(folder["o.onnx"]);
        var before = Products.ToDictionary(name => name, name => File.ReadAllBytes(folder[$"run/{name}"]));
        foreach (var name in Products)
        {
            var bytes = File.ReadAllBytes(folder[$"run/{name}"]);
            // In the header of the records, which SQLite looks at first; in the middle of everything else.
            bytes[name == "records.sqlite" ? 5 : bytes.Length / 2] ^= 4;
            File.WriteAllBytes(folder[$"run/{name}"], bytes);
            // Tables are for the report.
            string[] reader = name.EndsWith(".csv", StringComparison.Ordinal) ? ["report", "--run", folder["run"], "-o", folder["r.html"]]
                : export;
            var (code, _, error) = Harness.Command(reader);
            Assert.True(code == 2, $"{name}: {code} {error}");
            Assert.Contains($"run/{name}: is damaged", error, StringComparison.Ordinal);
            Assert.Contains("clado measure", error, StringComparison.Ordinal);
            Assert.Single(error.TrimEnd().Split('\n'), line => line.StartsWith("clado: ", StringComparison.Ordinal));

            var again = Harness.Command(measure);
            Assert.True(again.Code == 0, again.Error);
            Assert.Contains($"run/{name}: is damaged", again.Error, StringComparison.Ordinal);
            Assert.True(name == "records.sqlite" || before[name].AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"run/{name}"])), name);
            Succeeds(export);
            Assert.Equal(whole, File.ReadAllBytes(folder["o.onnx"]));
        }
    }

    [Theory]
    [InlineData("kl", 40)]
    [InlineData("mse", 15)]
    public void RandomDamagesChangeNoResultAndAbortNothing(string loss, int count)
    {
        using var fuzzing = new FolderFuzzing(loss);
        for (int seed = 0; seed < count; seed++)
        {
            var (damage, outcome) = fuzzing.Try(seed);
            Assert.True(
                outcome.StartsWith("same", StringComparison.Ordinal)
                    || outcome.StartsWith("refused", StringComparison.Ordinal), $"seed {seed}, {damage}: {outcome}");
        }
    }

    [Theory]
    [InlineData("kl", 40)]
    [InlineData("mse", 40)]
    public void ForgedValuesWithChecksumsThatFitAbortNothing(string loss, int count)
    {
        using var fuzzing = new FolderFuzzing(loss);
        for (int seed = 0; seed < count; seed++)
        {
            var (forgery, outcome) = fuzzing.TryForged(seed);
            Assert.True(
                outcome.StartsWith("same", StringComparison.Ordinal)
                    || outcome.StartsWith("refused", StringComparison.Ordinal), $"seed {seed}, {forgery}: {outcome}");
        }
    }

    /// <summary>Pipes in the places of its files: nobody waits for what never comes.</summary>
    [Fact]
    public async Task PipesAmongTheFilesHangNothing()
    {
        using var folder = new TemporaryFolder();
        string[] measure = Measured(folder, "--equalize", "--measure-activations", "8");
        string[][] readers = [["allocate", "--run", folder["run"], "--budget", "3bit"],
            ["report", "--run", folder["run"], "-o", folder["r.html"]]];
        foreach (var name in (string[])[.. Products, "SHA256SUMS"])
        {
            var there = File.ReadAllBytes(folder[$"run/{name}"]);
            File.Delete(folder[$"run/{name}"]);
            Assert.SkipUnless(folder.Pipe($"run/{name}"), "this system has no pipes among its files");
            foreach (var command in (string[][])[.. readers, measure])
            {
                var (code, _, error) = await Task.Run(() => Harness.Command(command), TestContext.Current.CancellationToken)
                    .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
                // Not everybody reads every table.
                Assert.True(
                    code == 2 ? error.Contains($"{name}: is no regular file", StringComparison.Ordinal)
                        : code == 0, $"{name}, {command[0]}: {code} {error}");
            }
            if (!InputFile.IsRegular(folder[$"run/{name}"]))
            {
                Assert.Contains(name, (string[])["run.json", "records.sqlite", "SHA256SUMS"]);
                File.Delete(folder[$"run/{name}"]);
            }
            File.WriteAllBytes(folder[$"run/{name}"], there);
            Succeeds(measure);
        }
    }

    /// <summary>What nobody can make again before something is moved away says so, whoever comes upon it.</summary>
    [Fact]
    public void FoldersInThePlacesOfFilesAreNamed()
    {
        using var folder = new TemporaryFolder();
        string[] measure = Measured(folder, "--equalize", "--measure-activations", "8");
        string[] allocate = ["allocate", "--run", folder["run"], "--budget", "3bit"];
        foreach (var name in (string[])[.. Products, "SHA256SUMS", ".lock", "records.sqlite-wal", "records.sqlite-shm"])
        {
            File.WriteAllBytes(folder["aside"], File.Exists(folder[$"run/{name}"]) ? File.ReadAllBytes(folder[$"run/{name}"]) : []);
            File.Delete(folder[$"run/{name}"]);
            Directory.CreateDirectory(folder[$"run/{name}"]);
            // Who finds everything there takes no turn to write.
            if (name != ".lock")
            {
                Refuses(measure, $"run/{name}: is a folder", "move it away");
            }
            if (!name.EndsWith(".csv", StringComparison.Ordinal))
            {
                Refuses(allocate, $"run/{name}: is a folder", "move it away");
            }
            Directory.Delete(folder[$"run/{name}"]);
            File.Move(folder["aside"], folder[$"run/{name}"]);
            Succeeds(measure);
        }
    }

    [Fact]
    public void ChecksumsAreThoseOfSha256sum()
    {
        using var folder = new TemporaryFolder();
        Measured(folder);
        Succeeds("allocate", "--run", folder["run"], "--budget", "3bit", "--rounds", "0");
        Succeeds("report", "--run", folder["run"]);
        var lines = File.ReadAllLines(folder["run/SHA256SUMS"]).Where(line => !line.StartsWith('#')).Select(line => line.Split("  "))
            .ToDictionary(l => l[1], l => l[0]);
        Assert.Equal(
            Directory.GetFiles(folder["run"]).Select(f => Path.GetFileName(f)!)
                .Where(f => f is not ("SHA256SUMS" or ".lock" or "records.sqlite")).Order(StringComparer.Ordinal),
            lines.Keys.Order(StringComparer.Ordinal));
        Assert.All(
            lines, line =>
                Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(folder[$"run/{line.Key}"]))), line.Value));
        Assert.SkipUnless(File.Exists("/usr/bin/sha256sum"), "there is no sha256sum");
        using var check = Process.Start(
            new ProcessStartInfo("/usr/bin/sha256sum", ["-c", "--strict", "SHA256SUMS"])
            {
                WorkingDirectory = folder["run"],
                RedirectStandardOutput = true,
            })!;
        check.WaitForExit();
        Assert.Equal(0, check.ExitCode);
    }

    [Fact]
    public void AFolderOfAnEarlierVersionIsRefusedWithBothVersions()
    {
        using var folder = new TemporaryFolder();
        string[] measure = Measured(folder);
        File.Delete(folder["run/SHA256SUMS"]);
        Refuses(["allocate", "--run", folder["run"], "--budget", "3bit"], "SHA256SUMS: is missing");
        File.WriteAllText(
            folder["run/run.json"], File.ReadAllText(folder["run/run.json"])
                .Replace(RunDescription.Version, "0.3.0.0", StringComparison.Ordinal));
        foreach (var command in (string[][])[["allocate", "--run", folder["run"], "--budget", "3bit"], ["report", "--run", folder["run"]],
            measure])
        {
            Refuses(command, "was made by Clado 0.3.0.0", $"this is Clado {RunDescription.Version}");
        }
    }

    /// <summary>Another run's description in place of a folder's own must not make its measurements another run's.</summary>
    [Fact]
    public void AnotherRunsDescriptionDoesNotTakeAFolderOver()
    {
        using var folder = new TemporaryFolder();
        string[] measure = Measured(folder);
        string[] other = [.. measure[..^2], "--preprocess", "tf", "--run", folder["other"]];
        Succeeds(other);
        File.Copy(folder["other/run.json"], folder["run/run.json"], overwrite: true);
        Refuses([.. other[..^1], folder["run"]], "run.json: is damaged", "another folder with --run");
        // Whose it is says the comment among the checksums: its own run writes the description again.
        Succeeds(measure);
        Succeeds("allocate", "--run", folder["run"], "--budget", "3bit");
        // So do records: those of another run, under the same keys, are not believed.
        Succeeds("allocate", "--run", folder["other"], "--budget", "none");
        File.Copy(folder["other/records.sqlite"], folder["run/records.sqlite"], overwrite: true);
        Assert.Contains(
            "is damaged; it is measured again", Harness.Command("allocate", "--run", folder["run"], "--budget", "none").Error,
            StringComparison.Ordinal);
    }

    /// <summary>Of two runs that found the folder empty, the one that has something to keep first gets it.</summary>
    [Fact]
    public void TwoRunsThatBeginAtTheSameTimeDoNotShareAFolder()
    {
        using var folder = new TemporaryFolder();
        Measured(folder);
        var description = RunFolder.Open(folder["run"]).Description;
        var (first, same, other) = (RunFolder.OpenOrCreate(folder["new"], description), RunFolder.OpenOrCreate(folder["new"], description),
            RunFolder.OpenOrCreate(folder["new"], description with { Estimator = "diagonal" }));
        first.WriteScalings([]);
        same.WriteScalings([]);
        Assert.Contains(
            "estimator (there \"auto\", now \"diagonal\")", Assert.Throws<RunFolderException>(() => other.WriteScalings([])).Message,
            StringComparison.Ordinal);
        Assert.Throws<RunFolderException>(() => other.OpenRecords(mustKeep: true));
        Assert.Equal("auto", RunFolder.Open(folder["new"]).Description.Estimator);
    }

    [Fact]
    public void AKillBetweenTwoRenamesLeavesASoundFile()
    {
        using var folder = new TemporaryFolder();
        var files = new CheckedFolder(folder["f"]);
        void Write(string text) => files.Write("a", "me", stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        string Read()
        {
            using var reader = new StreamReader(files.Open("a"));
            return reader.ReadToEnd();
        }

        Write("old");
        var before = File.ReadAllText(folder["f/SHA256SUMS"]);
        // What writing does after the new sum has joined the old one.
        var both = before + $"{Convert.ToHexStringLower(SHA256.HashData("new"u8))}  a\n";
        File.WriteAllText(folder["f/SHA256SUMS"], both);
        Assert.Equal("old", Read());
        File.WriteAllText(folder["f/a"], "new");
        Assert.Equal("new", Read());
        File.WriteAllText(folder["f/a"], "neu");
        Assert.Throws<DamagedFileException>(Read);
        File.WriteAllText(folder["f/a"], "new");
        // The next file that is written settles it.
        files.Write("b", "me", stream => stream.WriteByte(1));
        Assert.Equal("new", Read());
        Assert.Single(File.ReadAllLines(folder["f/SHA256SUMS"]), line => line.EndsWith("  a", StringComparison.Ordinal));
        Assert.Equal("me", files.Owner);
    }

    [Fact]
    public void WhoeverWritesAtTheSameTimeTakesTurnsAndReadersSeeWholeFiles()
    {
        using var folder = new TemporaryFolder();
        new CheckedFolder(folder["f"]).Write("shared", "me", stream => stream.WriteByte(0));
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, worker =>
        {
            var files = new CheckedFolder(folder["f"]);
            for (int i = 0; i < 25; i++)
            {
                var bytes = new byte[1 + (worker * 1000) + i];
                files.Write(i % 2 == 0 ? "shared" : $"own{worker}", "me", stream => stream.Write(bytes));
                using var read = files.Open("shared");
                Assert.True(read.Length > 0);
            }
        });
        var all = new CheckedFolder(folder["f"]);
        Assert.All((string[])["shared", "own0", "own1", "own2", "own3"], name => Assert.True(all.IsSound(name)));
        Assert.Equal(6, File.ReadAllLines(folder["f/SHA256SUMS"]).Length);
    }

    [Fact]
    public void RecordsThatAreNotTheirOwnAreMeasuredAgain()
    {
        using var folder = new TemporaryFolder();
        var path = folder["r.sqlite"];
        var notices = new List<string>();
        using (var records = new RecordStore(path, "run", repairs: false, notices.Add))
        {
            records.GetOrAdd("a", () => (double[])[1, 2]);
            records.GetOrAdd("b", () => (double[])[3]);
        }
        Execute(path, "UPDATE records SET key = CASE key WHEN 'a' THEN 'c' ELSE 'a' END");
        using (var swapped = new RecordStore(path, "run", repairs: false, notices.Add))
        {
            Assert.Null(swapped.Find<double>("a"));
            Assert.Null(swapped.Find<double>("c"));
            Assert.Equal([5], swapped.GetOrAdd("a", () => (double[])[5]));
            Assert.Equal([5], swapped.Find<double>("a", 1)!);
            Assert.Null(swapped.Find<double>("a", 2));
            Assert.Single(notices, text => text.Contains("the record 'a' is damaged", StringComparison.Ordinal));
        }
        using var other = new RecordStore(path, "another run", repairs: false, null);
        Assert.Null(other.Find<double>("a"));
    }

    [Theory]
    [InlineData("DROP TABLE records; CREATE VIEW records AS SELECT 'a' AS key, zeroblob(900000000) AS value, zeroblob(32) AS sum")]
    [InlineData("DROP TABLE records; CREATE TABLE records (key, value)")]
    [InlineData(null)]
    public void RecordsThatAreNoneAreRefusedOrReplaced(string? change)
    {
        using var folder = new TemporaryFolder();
        var path = folder["r.sqlite"];
        new RecordStore(path).Dispose();
        if (change is null)
        {
            File.WriteAllText(path, new string('x', 5000));
        }
        else
        {
            Execute(path, change);
        }
        Assert.Contains(
            "is damaged", Assert.Throws<RunFolderException>(() => new RecordStore(path, "", repairs: false, null)).Message,
            StringComparison.Ordinal);
        var notices = new List<string>();
        using var records = new RecordStore(path, "", repairs: true, notices.Add);
        Assert.Contains("what it held is measured again", Assert.Single(notices), StringComparison.Ordinal);
        Assert.Equal([1], records.GetOrAdd("a", () => (double[])[1]));
        Assert.Equal([1], records.Find<double>("a")!);
    }

    [Fact]
    public void RecordsThatAnotherProgramHoldsAreNotCalledDamaged()
    {
        using var folder = new TemporaryFolder();
        new RecordStore(folder["r.sqlite"]).Dispose();
        using var connection = new SqliteConnection($"Data Source={folder["r.sqlite"]};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN EXCLUSIVE";
        command.ExecuteNonQuery();
        var held = Assert.Throws<RunFolderException>(() =>
        {
            using var records = new RecordStore(folder["r.sqlite"], "", repairs: true, null, TimeSpan.FromSeconds(1));
            records.GetOrAdd("a", () => (double[])[1]);
        });
        Assert.Contains("another program holds it", held.Message, StringComparison.Ordinal);
    }

    /// <summary>The command that measured the folder "run", which ends with --run and the folder.</summary>
    private static string[] Measured(TemporaryFolder folder, params string[] more)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        string[] measure = ["measure", folder["m.onnx"], "--images", Harness.Images(folder, "images", 1), "--bits", "2,4", .. more, "--run",
            folder["run"]];
        Succeeds(measure);
        return measure;
    }

    private static void Succeeds(params string[] command)
    {
        var (code, _, error) = Harness.Command(command);
        Assert.True(code == 0, error);
    }

    private static void Refuses(string[] command, params string[] said)
    {
        var (code, _, error) = Harness.Command(command);
        Assert.True(code == 2, $"{code}: {error}");
        Assert.All(said, text => Assert.Contains(text, error, StringComparison.Ordinal));
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
