using System.Text.Json;
using Clado.Onnx;
using Clado.Runs;
using Clado.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>Where things lie and how they are written does not change what was measured, and what was asked for is remembered.</summary>
public class MovedFolderTests
{
    [Fact]
    public void MovedImagesAndModelsAreFoundWhereMeasureIsToldTheyLie()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] Quantize(string m, string i) =>
            ["quantize", m, "--images", i, "--bits", "2,4", "--budget", "3bit", "--run", folder["run"], "-o", folder["q.onnx"]];
        Succeeds(Quantize(model, images));
        var whole = File.ReadAllBytes(folder["q.onnx"]);
        Directory.Move(images, folder["moved"]);
        File.Move(model, folder["moved.onnx"]);
        // Nobody has said where they are.
        var (code, _, error) = Harness.Command("allocate", "--run", folder["run"], "--budget", "2.5bit");
        Assert.Equal(2, code);
        Assert.Contains("model.onnx, which is not there now", error, StringComparison.Ordinal);
        Succeeds(Quantize(folder["moved.onnx"], folder["moved"]));
        Assert.Equal(whole, File.ReadAllBytes(folder["q.onnx"]));
        // The folder knows now, for those who ask it alone.
        Succeeds("allocate", "--run", folder["run"], "--budget", "2.5bit");
        Directory.Move(folder["moved"], folder["gone"]);
        (code, _, error) = Harness.Command("allocate", "--run", folder["run"], "--budget", "3.5bit");
        Assert.Equal(2, code);
        Assert.Contains("moved, which is not there now; put that back, or say where it is: clado measure", error, StringComparison.Ordinal);
    }

    /// <summary>
    /// Whatever a measurement ends on before anything is measured, mended images and other options find no folder that refuses them.
    /// </summary>
    [Theory]
    [InlineData("feedback")]
    [InlineData("nearest")]
    public void ABadImageLeavesNoFolderThatRefusesGoodOnes(string rounding)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] measure = ["measure", model, "--images", images, "--bits", "2,4", "--rounding", rounding, "--run", folder["run"]];
        var bad = Directory.GetFiles(images, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last();
        var good = File.ReadAllBytes(bad);
        // Its header is sound: it is found by decoding alone.
        File.WriteAllBytes(bad, good[..(good.Length * 2 / 3)]);
        var (code, _, error) = Harness.Command(measure);
        Assert.Equal(2, code);
        Assert.Contains(Path.GetFileName(bad), error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
        File.WriteAllBytes(bad, good);
        Succeeds(measure);
    }

    [Fact]
    public void ALossThatDoesNotFitLeavesNoFolderBehind()
    {
        using var folder = new TemporaryFolder();
        var (model, _) = Sample(folder);
        Harness.Png(folder["plain/1.png"], 8, 8, SKColors.Red);
        string[] measure = ["measure", model, "--images", folder["plain"], "--bits", "2,4", "--run", folder["run"]];
        var (code, _, error) = Harness.Command([.. measure, "--loss", "ce"]);
        Assert.True(code == 2, error);
        Assert.False(Directory.Exists(folder["run"]));
        Succeeds(measure);
    }

    [Fact]
    public void ChoicesForFilesOfSeveralKindsStandApart()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        Succeeds("measure", model, "--images", images, "--bits", "2,4", "--run", folder["run"]);
        string[] allocate = ["allocate", "--run", folder["run"], "--budget", "3bit", "--json"];
        (string[] Options, string Name)[] kinds =
        [
            ([], "3bit"), (["--activations", "float"], "3bit-float"), (["--ranges", "minmax"], "3bit-8-minmax"),
            (["--rounds", "0"], "3bit-rounds0"),
            (["--activations", "float", "--rounds", "1"], "3bit-float-rounds1"), (["--max-bitops", "1000000000"], "3bit-1000000000bitops"),
        ];
        var outputs = kinds.Select(kind => Harness.Command([.. allocate, .. kind.Options]).Output).ToArray();
        Assert.Equal(
            kinds.Select(k => $"allocation-{k.Name}.json").Order(StringComparer.Ordinal), Directory.GetFiles(folder["run"], "allocation-*")
                .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
        foreach (var (kind, output) in kinds.Zip(outputs))
        {
            Assert.Equal(output.TrimEnd(), File.ReadAllText(folder[$"run/allocation-{kind.Name}.json"]).TrimEnd());
            Assert.Equal(kind.Name.Contains("float", StringComparison.Ordinal) ? "float"
                : kind.Name.Contains("minmax", StringComparison.Ordinal) ? "8-minmax" : "8",
                JsonDocument.Parse(output).RootElement.GetProperty("activations").GetString());
        }
        // The report shows those of one kind, under the budgets they were asked for.
        var points = RunFolder.Open(folder["run"]).ReadAllocations();
        Assert.Equal(["3bit", "3bit", "3bit-1000000000bitops"], points.Select(p => p.Budget).Order(StringComparer.Ordinal));

        // Names that a file system cannot tell apart, or not take, do.
        var run = RunFolder.Open(folder["run"]);
        run.WriteJson("evaluation", "ä", "{}");
        run.WriteJson("evaluation", "ö", "{}");
        run.WriteJson("evaluation", new string('x', 300), "{}");
        Assert.Equal(3, Directory.GetFiles(folder["run"], "evaluation-*").Length);
    }

    [Fact]
    public void RangesAreRememberedLikeTheOtherWaysToWrite()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] measuring = [model, "--images", images, "--bits", "2,4", "--run", folder["run"]];
        Succeeds(["quantize", .. measuring, "--ranges", "minmax", "--budget", "3bit", "-o", folder["minmax.onnx"]]);
        Assert.Equal("minmax", JsonDocument.Parse(File.ReadAllText(folder["run/run.json"])).RootElement.GetProperty("ranges").GetString());
        // Without a word, the folder's; with one, that.
        foreach (var (options, same) in ((string[], bool)[])[([], true), (["--ranges", "minmax"], true), (["--ranges", "mse"], false),
            (["--activations", "8"], true)])
        {
            Succeeds(["export", "--run", folder["run"], "--budget", "3bit", "-o", folder["e.onnx"], .. options]);
            Assert.Equal(same, File.ReadAllBytes(folder["minmax.onnx"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["e.onnx"])));
        }
        // It does not make another run of it.
        Succeeds(["measure", .. measuring]);
        Assert.Contains(
            "--ranges minmax", string.Join('\n', Clado.Reports.Reproduction.Commands(RunFolder.Open(folder["run"]).Description, "r", null)),
            StringComparison.Ordinal);
        var swept = Harness.Command("sweep", "--run", folder["run"], "--rounds", "0", "--ranges", "percentile", "--target-drop", "100");
        Assert.Contains("--rounds 0 --activations 8 --ranges percentile -o OUT.onnx", swept.Error, StringComparison.Ordinal);
    }

    private static (string Model, string Images) Sample(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        return (folder["model.onnx"], Harness.Images(folder, "images", 1));
    }

    private static void Succeeds(params string[] command)
    {
        var (code, _, error) = Harness.Command(command);
        Assert.True(code == 0, error);
    }
}
