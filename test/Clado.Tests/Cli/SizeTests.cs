using System.Text.Json;
using System.Text.Json.Nodes;
using Clado.Onnx;
using Clado.Runs;
using Clado.Tests.Graphs;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>What every verb says and does where a file leaves the size of its image free.</summary>
public class SizeTests
{
    [Fact]
    public void EveryVerbSaysTheSizeAndKeepsIt()
    {
        using var folder = new TemporaryFolder();
        var model = folder["m.onnx"];
        OnnxFile.Write(InputShapeTests.AnySize(), model);
        string[] common = ["--images", Harness.Images(folder, "set", 1), "--preprocess", "unit"];
        const string Assumed = "24×24 is assumed, as the preprocessing says";
        File.WriteAllText(folder["p.json"], """{"size": [24]}""");
        string[] found = [common[0], common[1], "--preprocess", folder["p.json"]];

        (string Output, string Error) Succeed(params string[] args)
        {
            var (code, output, error) = Harness.Command(args);
            Assert.True(code == 0, $"{string.Join(' ', args)}: {error}");
            return (output, error);
        }

        var usual = Succeed("inspect", model).Error;
        Assert.Contains("224×224 is assumed, the usual size; --size gives another", usual, StringComparison.Ordinal);
        Assert.Contains("the usual size; --size gives another", Succeed("inspect", model, "--json").Output, StringComparison.Ordinal);
        Assert.Contains(Assumed, Succeed("inspect", model, "--preprocess", folder["p.json"]).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("note:", Succeed("inspect", model, "--size", "16x24").Error, StringComparison.Ordinal);
        Assert.Contains(Assumed, Succeed(["measure", model, .. found, "--run", folder["found"]]).Error, StringComparison.Ordinal);

        var quantized = Succeed(
            ["quantize", model, .. common, "--size", "16x24", "--run", folder["run"], "-b", "4bit", "-o", folder["q.onnx"]]);
        Assert.DoesNotContain("is assumed", quantized.Error, StringComparison.Ordinal);
        Assert.Equal("N,3,16,24", JsonNode.Parse(File.ReadAllText(folder["run/run.json"]))!["inputShape"]!.GetValue<string>());
        // What is free in the file stays free.
        Assert.Equal(["N", "3", "d2", "d3"], OnnxFile.Read(folder["q.onnx"]).Graph.Input[0].Type.TensorType.Shape.Dim
            .Select(dim => dim.HasDimValue ? $"{dim.DimValue}" : dim.DimParam));

        foreach (var verb in (string[][])
            [["allocate", "-b", "4bit"], ["export", "-b", "4bit", "-o", folder["e.onnx"]], ["sweep", "--budgets", "4bit"]])
        {
            Assert.Contains("N,3,16,24, as it was measured", Succeed([.. verb, "--run", folder["run"]]).Error, StringComparison.Ordinal);
        }
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["e.onnx"]));
        Succeed("report", "--run", folder["run"]);
        Assert.Contains("--input-shape N,3,16,24", File.ReadAllText(folder["run/report.html"]), StringComparison.Ordinal);

        var evaluated = Succeed(["evaluate", folder["q.onnx"], .. found, "--reference", model, "--latency", "--json"]);
        Assert.Contains(Assumed, evaluated.Error, StringComparison.Ordinal);
        Assert.Equal("[null,3,24,24]", JsonDocument.Parse(evaluated.Output).RootElement.GetProperty("inputShape").GetRawText()
            .Replace(" ", "", StringComparison.Ordinal).ReplaceLineEndings(""));
        // The folder is that of this size.
        var refused = Harness.Command(["measure", model, .. common, "--size", "24x24", "--run", folder["run"]]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("inputShape (there \"N,3,16,24\", now \"N,3,24,24\")", refused.Error, StringComparison.Ordinal);
        Succeed(["measure", model, .. common, "--input-shape", "N,3,16,24", "--run", folder["run"]]);
    }

    /// <summary>A reference of another name and a free size is run at the size of the model it is compared with.</summary>
    [Fact]
    public void AReferenceHasTheSizeOfTheModel()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(InputShapeTests.AnySize(), folder["free.onnx"]);
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["fixed.onnx"]);
        string[] common = ["--images", Harness.Images(folder, "set", 1), "--preprocess", "unit", "--json"];
        var (code, output, error) = Harness.Command(
            ["evaluate", folder["fixed.onnx"], "--reference", folder["free.onnx"], .. common]);
        Assert.True(code == 0, error);
        Assert.Equal(1, JsonDocument.Parse(output).RootElement.GetProperty("agreement").GetDouble());
    }

    /// <summary>
    /// A run that was measured when nobody looked for sizes has none in its description: it was measured at the usual one. And where the
    /// file leaves nothing free, the description is what it was.
    /// </summary>
    [Fact]
    public void RunsThatWereMadeBeforeAreReadAsTheyWereMade()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var (code, _, error) = Harness.Command(
            ["measure", folder["m.onnx"], "--images", Harness.Images(folder, "set", 1), "--preprocess", "unit", "--run", folder["run"]]);
        Assert.True(code == 0, error);
        var text = File.ReadAllText(folder["run/run.json"]);
        Assert.DoesNotContain("inputShape", text, StringComparison.Ordinal);
        var (before, now) = (RunDescription.FromJson(text), RunDescription.FromJson(text) with { InputShape = "N,3,16,24" });
        Assert.False(before.Inputs().LooksForSize);
        Assert.Equal([null, 3, 16, 24], now.Inputs().Shape);
        Assert.Equal(["inputShape (there nothing, now \"N,3,16,24\")"], now.Differences(before));
        Assert.Equal(["inputShape (there \"N,3,16,24\", now nothing)"], before.Differences(now));
        Assert.NotEqual(before.Key(), now.Key());
        foreach (var wrong in (string[])["", "N,3,?,24", "wide", "N,3,0,24"])
        {
            Assert.Throws<JsonException>(() => RunDescription.FromJson((now with { InputShape = wrong }).ToJson()));
        }
    }

    [Fact]
    public void InspectSaysWhatItKnows()
    {
        using var folder = new TemporaryFolder();
        var model = folder["m.onnx"];
        OnnxFile.Write(InputShapeTests.AnySize(), model);
        string[] common = ["--images", Harness.Images(folder, "set", 1), "--preprocess", "unit", "--size", "8", "--run", folder["run"]];
        var inspection = JsonDocument.Parse(Harness.Command("inspect", model, "--size", "8", "--json").Output).RootElement;
        Assert.Equal("x", inspection.GetProperty("input").GetString());
        Assert.Equal("kl", inspection.GetProperty("loss").GetString());
        Assert.Equal(8, inspection.GetProperty("inputShape")[3].GetInt32());
        // The smallest size is reached, and one byte less is not.
        long smallest = inspection.GetProperty("smallestBytes").GetInt64();
        Assert.Contains(FormattableString.Invariant($"smallest file: {smallest:N0} bytes"),
            Harness.Command("inspect", model, "--size", "8").Output, StringComparison.Ordinal);
        Assert.Equal(1, Harness.Command(["quantize", model, .. common, "-b", $"{smallest - 1}", "-o", folder["q.onnx"]]).Code);
        Assert.Equal(0, Harness.Command(["quantize", model, .. common, "-b", $"{smallest}", "-o", folder["q.onnx"]]).Code);
        Assert.Equal(smallest, new FileInfo(folder["q.onnx"]).Length);
    }
}
