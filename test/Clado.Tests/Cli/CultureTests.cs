using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>A host's culture changes nothing that is written, read or printed.</summary>
public class CultureTests
{
    [Fact]
    public async Task TheTestsRunWhereNumbersHaveCommas()
    {
        bool isInvariant = Environment.GetEnvironmentVariable("CLADO_TEST_CULTURE") == "invariant";
        Assert.SkipWhen(isInvariant, "CLADO_TEST_CULTURE asks for the invariant culture");
        static string Text() => 1234.5.ToString("N1", null) + $" {0.5}";
        Assert.Equal("1.234,5 0,5", Text());
        Assert.Equal("1.234,5 0,5", await Task.Run(Text, TestContext.Current.CancellationToken));
    }

    /// <summary>The whole job in each culture gives the same files, byte for byte, and the same words.</summary>
    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public void TheWholeJobIsTheSameInEveryCulture(string name)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 3);
        File.WriteAllText(folder["pre.json"], """{"scale": 0.00392157, "mean": [0.485, 0.456, 0.406], "std": [0.229]}""");
        var (expected, files) = Job(CultureInfo.InvariantCulture);
        var (actual, others) = Job(HostCulture.Of(name));
        Assert.Equal(expected, actual);
        Assert.Equal(files.Keys, others.Keys);
        Assert.All(files, file => Assert.True(file.Value.SequenceEqual(others[file.Key]), file.Key));
        Assert.Contains(files.Keys, file => file.EndsWith(".onnx", StringComparison.Ordinal));

        (string Said, SortedDictionary<string, byte[]> Files) Job(CultureInfo culture)
        {
            var (before, run) = (CultureInfo.CurrentCulture, folder["run"]);
            try
            {
                CultureInfo.CurrentCulture = culture;
                string[] given = ["--images", images, "--preprocess", folder["pre.json"]];
                string[] measuring = [folder["model.onnx"], .. given, "--run", run, "--limit", "20", "--seed", "-3"];
                var said = "";
                foreach (var command in (string[][])
                [
                    ["inspect", folder["model.onnx"]],
                    ["quantize", .. measuring, "--budget", "2.75bit", "--equalize", "-o", folder["q.onnx"]],
                    ["allocate", "--run", run, "--budget", "3.4KiB", "--json"],
                    ["export", "--run", run, "--budget", "60.5%", "-o", folder["e.onnx"]],
                    ["sweep", "--run", run, "--budgets", "2.5bit,3.5bit", "--evaluate", images, "-o", folder["curve.csv"]],
                    ["sweep", "--run", run, "--evaluate", images, "--target-drop", "12.5", "--json"],
                    ["evaluate", folder["q.onnx"], .. given, "--reference", folder["model.onnx"], "--run-timeout", "99.5"],
                    ["report", "--run", run],
                    ["allocate", "--run", run, "--budget", "1.5bit"],
                ])
                {
                    var (code, output, error) = Harness.Command(command);
                    said += $"{command[0]} {code}\n{output}{WithoutTimes(error)}";
                }
                var made = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
                string[] paths = [folder["q.onnx"], folder["e.onnx"], folder["curve.csv"], .. Directory.EnumerateFiles(run)];
                foreach (var path in paths.Where(p => !p.Contains("sqlite", StringComparison.Ordinal)))
                {
                    made.Add(Path.GetFileName(path), File.ReadAllBytes(path));
                    File.Delete(path);
                }
                Directory.Delete(run, recursive: true);
                return (said, made);
            }
            finally
            {
                CultureInfo.CurrentCulture = before;
            }
        }
    }

    /// <summary>How long a job will take is the machine's answer, not the culture's.</summary>
    private static string WithoutTimes(string text) => Regex.Replace(text, @"about \d+ (s|min|h)( \d+ (s|min))?", "about so long");

    /// <summary>What reads and writes, in a host whose cultures are real: upper and lower case of Turkish cannot be made by hand.</summary>
    [Fact]
    public async Task ReadingAndWritingGoInTurkish()
    {
        Assert.SkipWhen(HostCulture.HasData, "this host is one already");
        var extension = OperatingSystem.IsWindows() ? ".exe" : null;
        var start = new ProcessStartInfo(Path.ChangeExtension(typeof(CultureTests).Assembly.Location, extension)!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0", ["CLADO_TEST_CULTURE"] = "tr-TR" },
        };
        foreach (var name in (string[])
            ["Budget", "CostTable", "Limit", "Runs", "OnnxFile", "OpsetUpgrade", "Chart", "Culture"])
        {
            start.ArgumentList.Add("-class");
            start.ArgumentList.Add($"*.{name}Tests");
        }
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await error;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(said.Contains("ICU package", StringComparison.Ordinal), "this system has no culture data (ICU)");
        Assert.True(process.ExitCode == 0, said);
    }
}
