using System.Text.Json;
using System.Text.RegularExpressions;
using Clado.Onnx;
using Clado.Reports;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Reports;

public class ReportTests
{
    private const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> {{script}} & \"'";

    [Fact]
    public void ThePageComesFromTheRunFolderAlone()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 3);
        Assert.Equal(
            0, Harness.Command("measure", folder["model.onnx"], "--images", images, "--run", folder["run"], "--pin", "conv_c1=8").Code);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"], "-o", folder["before.html"]).Code);
        Assert.Empty(Data(folder["before.html"]).GetProperty("curve").GetProperty("points").EnumerateArray());
        // Without a sweep, what was allocated is the curve.
        Assert.Equal(0, Harness.Command("allocate", "--run", folder["run"], "--budget", "4bit").Code);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"], "-o", folder["allocated.html"]).Code);
        Assert.Single(Data(folder["allocated.html"]).GetProperty("curve").GetProperty("points").EnumerateArray());
        Assert.Equal(0, Harness.Command("sweep", "--run", folder["run"], "--points", "4", "--rounds", "0").Code);
        File.Delete(folder["model.onnx"]);
        Directory.Delete(images, recursive: true);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"]).Code);

        var data = Data(folder["run/report.html"]);
        var points = data.GetProperty("curve").GetProperty("points").EnumerateArray().ToArray();
        Assert.Equal(PipelineOptions.DefaultBits.Count + 8, points.Length);
        Assert.All(points, p => Assert.Equal(8, p.GetProperty("bits")[0].GetInt32()));
        Assert.Equal(5, data.GetProperty("layers").GetArrayLength());
        Assert.Single(data.GetProperty("layers")[0].GetProperty("losses").EnumerateObject());
        Assert.Equal(1 + (4 * PipelineOptions.DefaultBits.Count), data.GetProperty("spectrum").GetArrayLength());
        // The commands are ones that this program understands.
        foreach (var command in data.GetProperty("commands").EnumerateArray().Select(c => c.GetString()!))
        {
            Assert.True(Harness.Command([.. command.Split(' ').Skip(1), "--help"]).Code == 0, command);
        }
    }

    [Fact]
    public void ThePageLoadsNothingAndNoNameIsMarkup()
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], [Hostile, "conv2", "{{data}}"], model: $"/models/{Hostile.Replace('/', '∕')}.onnx");
        var html = Report.Read(folder["run"]).ToHtml();
        Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(html, "<script"));
        Assert.Equal(2, Regex.Count(html, "</script"));
        Assert.Equal(Hostile, Data(html: html).GetProperty("layers")[0].GetProperty("name").GetString());
        Assert.Equal("{{data}}", Data(html: html).GetProperty("layers")[2].GetProperty("name").GetString());
        // Addresses are those of namespaces, which nobody fetches; nothing is fetched by src, href or url().
        Assert.All(Regex.Matches(html, "https?://[^\"]*"), match => Assert.StartsWith("http://www.w3.org/", match.Value, StringComparison.Ordinal));
        Assert.DoesNotMatch(@"<[^>]*\ssrc=|url\(|@import|href=""(?!#|data:,"")", html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
    }

    [Fact]
    public void PathsInCommandsAreQuotedForTheShell()
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], ["conv1"]);
        var commands = Data(html: Report.Read(folder["run"]).ToHtml()).GetProperty("commands");
        Assert.Contains(@"--images '/images/it'\''s gone' --preprocess unit", commands[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("--rounding feedback --inputs quantized", commands[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("--limit 512 --seed 3 --equalize", commands[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("--evaluate /images/test", commands[1].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void TheHeatMapIsTheMatrixAtOneWidthAndBlocksAddUp() => Gen.Select(Gen.Int[1, 40], Gen.Int[0, 1000]).Sample((layers, seed) =>
    {
        var random = new Random(seed);
        int n = 2 * layers;
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                matrix[(i * n) + j] = matrix[(j * n) + i] = random.Next(-9, 10);
            }
        }
        int[] rows = [.. Enumerable.Range(0, layers).Select(i => 2 * i)];
        var map = HeatMap.Of(matrix, n, [rows], [2]);
        Assert.Equal(layers * (layers + 1) / 2, map.Values[0].Length);
        // The whole map is half the quadratic form of that choice: its predicted loss.
        double form = rows.Sum(i => rows.Sum(j => matrix[(i * n) + j])) / 2;
        Assert.Equal(form, map.Values[0].Sum(), 9);
    });

    [Fact]
    public void ManyLayersAreAddedUpInBlocks()
    {
        int layers = (2 * HeatMap.LargestSide) + 3;
        var matrix = new double[layers * layers];
        Array.Fill(matrix, 1);
        var map = HeatMap.Of(matrix, layers, [[.. Enumerable.Range(0, layers)]], [2]);
        Assert.InRange(map.Blocks.Count, 1, HeatMap.LargestSide);
        Assert.Equal((0, layers - 1), (map.Blocks[0][0], map.Blocks[^1][1]));
        Assert.Equal((3 * 3 / 2.0, 3 * 3.0), (map.Values[0][0], map.Values[0][1]));
    }

    [Fact]
    public void APageOfTwoHundredLayersIsSmall()
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(
            folder["run"], [.. Enumerable.Range(0, 200).Select(i => $"/features/stage{i / 10}/block{i % 10}/depthwise/Conv")]);
        Report.Read(folder["run"]).Write(folder["page.html"]);
        Assert.InRange(new FileInfo(folder["page.html"]).Length, 1, 3_000_000);
    }

    [Fact]
    public void FiguresAreDrawnAsSvgAndPng()
    {
        Assert.SkipUnless(FigureFont.IsThere, "this system has no TrueType font to draw with");
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], ["conv1", "conv2", Hostile]);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"], "--figures", folder["figures"]).Code);
        foreach (var name in (string[])["curve", "prediction", "bits", "sensitivity", "spectrum"])
        {
            var svg = File.ReadAllText(folder[$"figures/{name}.svg"]);
            System.Xml.Linq.XDocument.Parse(svg);
            Assert.Contains("<text", svg, StringComparison.Ordinal);
            Assert.Equal((byte[])[0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(folder[$"figures/{name}.png"])[..4]);
        }
    }

    [Fact]
    public void AFolderThatIsNoFinishedRunIsOneLine()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(2, Harness.Command("report", "--run", folder["nowhere"]).Code);
        SyntheticRun.Write(folder["run"], ["conv1", "conv2"]);
        FolderDamager.Forge(folder["run"], "layers.csv", "name,op\n"u8.ToArray());
        var (code, _, error) = Harness.Command("report", "--run", folder["run"]);
        Assert.Equal(2, code);
        Assert.Contains("do not fit each other", error, StringComparison.Ordinal);
    }

    private static JsonElement Data(string? path = null, string? html = null) => JsonDocument.Parse(
        Regex.Match(
            html ?? File.ReadAllText(path!), "<script type=\"application/json\" id=\"data\">(.*?)</script>",
            RegexOptions.Singleline).Groups[1].Value).RootElement;
}
