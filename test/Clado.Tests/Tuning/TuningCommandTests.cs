using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Tuning;

/// <summary><c>--tune</c>, from the command to the file.</summary>
public class TuningCommandTests
{
    /// <summary>A file of the same size and widths; what is said of it is what is kept, and the run folder gives it again.</summary>
    [Theory]
    [InlineData("float")]
    [InlineData("8")]
    public void TuningGoesThroughAndIsGivenAgain(string activations)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] quantize =
        [
            "quantize", model, "--images", images, "--preprocess", "unit", "--budget", "2.5bit", "--activations", activations,
            "--run", folder["run"], "--json",
        ];
        var plain = Harness.Command([.. quantize, "-o", folder["p.onnx"]]);
        var tuned = Harness.Command([.. quantize, "--tune", "network", "-o", folder["t.onnx"]]);
        Assert.True(plain.Code == 0 && tuned.Code == 0, plain.Error + tuned.Error);
        JsonElement Root(string json) => JsonDocument.Parse(json).RootElement;
        Assert.Equal(Root(plain.Output).GetProperty("layers").ToString(), Root(tuned.Output).GetProperty("layers").ToString());
        Assert.Equal(new FileInfo(folder["p.onnx"]).Length, new FileInfo(folder["t.onnx"]).Length);
        Assert.False(Root(plain.Output).TryGetProperty("tuning", out _));
        var effect = Root(tuned.Output).GetProperty("tuning");
        bool isKept = effect.GetProperty("isKept").GetBoolean(), isRefined = effect.GetProperty("isRefined").GetBoolean();
        Assert.Equal(!isRefined, File.ReadAllBytes(folder["p.onnx"]).SequenceEqual(File.ReadAllBytes(folder["t.onnx"])));
        if (!isKept && isRefined)
        {
            // What is taken back leaves what --refine gives on all images, where that is kept.
            var refined = Harness.Command([.. quantize, "--refine", "-o", folder["r.onnx"]]);
            bool refines = refined.Error.Contains("after; kept", StringComparison.Ordinal);
            Assert.Equal(refines, File.ReadAllBytes(folder["r.onnx"]).SequenceEqual(File.ReadAllBytes(folder["t.onnx"])));
        }
        double Loss(string name) => effect.GetProperty(name).GetDouble();
        Assert.True(Loss("lossAfter") <= Loss("lossRefined"));
        Assert.True(isKept || isRefined == Loss("lossRefined") < Loss("lossBefore"));
        Assert.Contains(
            isKept ? "; kept" : isRefined ? "taken back, refining is kept" : "both taken back", tuned.Error, StringComparison.Ordinal);
        var state = File.ReadAllBytes(folder["run/tuning.safetensors"]);
        var exported = Harness.Command(
            "export", "--run", folder["run"], "--budget", "2.5bit", "--activations", activations, "--tune", "network", "--threads", "1",
            "-o", folder["e.onnx"]);
        Assert.True(exported.Code == 0, exported.Error);
        Assert.Equal(File.ReadAllBytes(folder["t.onnx"]), File.ReadAllBytes(folder["e.onnx"]));
        Assert.Equal(state, File.ReadAllBytes(folder["run/tuning.safetensors"]));
        // A state that is damaged is made again.
        File.WriteAllBytes(folder["run/tuning.safetensors"], state[..^1]);
        var again = Harness.Command(
            "export", "--run", folder["run"], "--budget", "2.5bit", "--activations", activations, "--tune", "network",
            "-o", folder["a.onnx"]);
        Assert.True(again.Code == 0, again.Error);
        Assert.Contains("it is made again", again.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(folder["t.onnx"]), File.ReadAllBytes(folder["a.onnx"]));
        Assert.Equal(state, File.ReadAllBytes(folder["run/tuning.safetensors"]));
    }

    /// <summary>Blocks alone, and then the network from there: what is said is what is kept, and a rerun gives it again.</summary>
    [Theory]
    [InlineData("blocks", "float")]
    [InlineData("auto", "8")]
    public void BlocksGoThroughAndAreGivenAgain(string method, string activations)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] quantize =
        [
            "quantize", model, "--images", images, "--preprocess", "unit", "--budget", "2.5bit", "--activations", activations,
            "--run", folder["run"], "--tune", method, "--tune-passes", "160", "--json",
        ];
        var tuned = Harness.Command([.. quantize, "-o", folder["t.onnx"]]);
        Assert.True(tuned.Code == 0, tuned.Error);
        var effect = JsonDocument.Parse(tuned.Output).RootElement.GetProperty("tuning");
        double Loss(string name) => effect.GetProperty(name).GetDouble();
        var blocks = effect.GetProperty("blocks");
        Assert.InRange(blocks.GetProperty("better").GetInt32(), 0, blocks.GetProperty("count").GetInt32());
        Assert.True(Loss("lossAfter") <= Math.Min(Loss("lossRefined"), blocks.GetProperty("loss").GetDouble()) + 1e-12);
        Assert.Equal(method == "auto", File.Exists(folder["run/tuning.safetensors"]));
        Assert.Contains("blocks tuned", tuned.Error, StringComparison.Ordinal);
        var again = Harness.Command([.. quantize, "--threads", "1", "-o", folder["a.onnx"]]);
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(File.ReadAllBytes(folder["t.onnx"]), File.ReadAllBytes(folder["a.onnx"]));
    }

    [Theory]
    [InlineData("--tune-passes 8", "--tune-passes is for --tune, which is missing")]
    [InlineData("--tune blocks --tune-passes 0", "--tune-passes 0: 1 or more are wanted")]
    public void PassesThatCannotBeAreRefused(string options, string expected)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        var result = Harness.Command(
            ["quantize", model, "--images", images, "--budget", "3bit", .. options.Split(' '), "--run", folder["run"]]);
        Assert.Equal(2, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Theory]
    [InlineData("classifier", "--limit 15", "--tune network: 16 images are needed at least")]
    [InlineData("lstm", "", "--tune wants gradients, leave it out for this model")]
    public void TuningThatCannotBeIsSaidBeforeTheWork(string network, string options, string expected)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        if (network == "lstm")
        {
            OnnxFile.Write(ConstantKinds.Of(network).Build(), model);
        }
        var result = Harness.Command(
        [
            "quantize", model, "--images", images, "--budget", "3bit", "--tune", "network", "--run", folder["run"],
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-o", folder["q.onnx"],
        ]);
        Assert.Equal(2, result.Code);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["q.onnx"]) || Directory.Exists(folder["run"]));
    }

    private static (string Model, string Images) Sample(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        return (folder["model.onnx"], Harness.Images(folder, "images", 3));
    }
}
