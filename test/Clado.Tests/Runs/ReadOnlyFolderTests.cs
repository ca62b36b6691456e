using System.Diagnostics;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>What is there can be used where nothing can be written; what cannot be kept is said.</summary>
public class ReadOnlyFolderTests
{
    [Fact]
    public void WhatIsThereIsUsedWhereNothingCanBeWritten()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        string[] measure = ["measure", folder["m.onnx"], "--images", Harness.Images(folder, "images", 1), "--bits", "2,4", "--run"];
        string[] allocate = ["allocate", "--budget", "3bit", "--rounds", "0", "--json", "--run"];
        string[] export = ["export", "--budget", "3bit", "-o", folder["e.onnx"], "--run"];
        string[] sweep = ["sweep", "--budgets", "3bit,2.5bit", "--rounds", "0", "--json", "--run"];
        string[][] there = [measure, allocate, export, sweep];
        var before = there.Select(command => Harness.Command([.. command, folder["run"]])).ToArray();
        Assert.All(before, b => Assert.True(b.Code == 0, b.Error));
        var exported = File.ReadAllBytes(folder["e.onnx"]);
        var files = Snapshot(folder["run"]);

        foreach (var (command, expected) in there.Zip(before))
        {
            var (code, output, error) = ReadOnly(folder["run"], [.. command, folder["run"]]);
            Assert.True(code == 0, $"{string.Join(' ', command)}: {error}");
            Assert.Equal(expected.Output, output);
        }
        Assert.Equal(exported, File.ReadAllBytes(folder["e.onnx"]));
        Assert.Equal(0, ReadOnly(folder["run"], ["report", "--run", folder["run"], "-o", folder["r.html"]]).Code);

        // What would have to be kept: measured all the same where it is the answer that counts, refused where it is the folder.
        var more = ReadOnly(folder["run"], ["allocate", "--budget", "3.5bit", "--run", folder["run"]]);
        Assert.True(more.Code == 0, more.Error);
        Assert.Contains($"{folder["run"]}: is read-only; what is found now is not kept", more.Error, StringComparison.Ordinal);
        Says(ReadOnly(folder["run"], ["report", "--run", folder["run"]]), "is read-only");
        File.Delete(folder["run/sensitivity.safetensors"]);
        Says(ReadOnly(folder["run"], [.. measure, folder["run"]]), "is read-only");
        files.Remove("sensitivity.safetensors");
        Assert.Equal(files, Snapshot(folder["run"]));

        Directory.CreateDirectory(folder["empty"]);
        Says(ReadOnly(folder["empty"], [.. measure, folder["empty"]]), "is read-only");
    }

    private static void Says((int Code, string Output, string Error) result, string text)
    {
        Assert.True(result.Code == 2, result.Error);
        var line = result.Error.TrimEnd().Split('\n')[^1];
        Assert.Contains(text, line, StringComparison.Ordinal);
        Assert.DoesNotContain("remove", line, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Snapshot(string run) =>
        Directory.GetFiles(run).Order(StringComparer.Ordinal)
            .ToDictionary(f => Path.GetFileName(f)!, f => Convert.ToBase64String(File.ReadAllBytes(f)));

    /// <summary>
    /// Runs a command with a folder that cannot be written: by its permissions, or, for root, who may write everywhere, on a file system
    /// mounted read-only for that command alone.
    /// </summary>
    private static (int Code, string Output, string Error) ReadOnly(string run, string[] command)
    {
        if (!OperatingSystem.IsWindows() && Environment.UserName != "root")
        {
            const UnixFileMode Reading = UnixFileMode.UserRead | UnixFileMode.UserExecute;
            var mode = File.GetUnixFileMode(run);
            File.SetUnixFileMode(run, Reading);
            try
            {
                return Harness.Command(command);
            }
            finally
            {
                File.SetUnixFileMode(run, mode);
            }
        }
        Assert.SkipUnless(
            File.Exists("/usr/bin/unshare")
                && Execute("/usr/bin/unshare", ["-m", "true"]).Code == 0, "nobody can make a folder read-only for a command here");
        return Execute("/usr/bin/unshare",
        [
            "-m", "sh", "-c", """mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec dotnet "$@" """, run, Path.Combine(
                AppContext.BaseDirectory, "Clado.Cli.dll"), .. command,
        ]);
    }

    private static (int Code, string Output, string Error) Execute(string program, string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
