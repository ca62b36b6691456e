using System.Text.Json.Nodes;
using Clado.Graphs.Integers;
using Clado.Onnx;
using Clado.Tests.Export;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>What the verbs say of models that are quantized already, and do with them.</summary>
public class QuantizedModelCommandTests
{
    private const string Said = "already quantized: 2 weights of 8 bits, 5 activation grids";

    [Fact]
    public void GridsAreKept()
    {
        using var folder = new TemporaryFolder();
        var (model, common) = Model(folder);
        var (code, text, _) = Harness.Command("inspect", model);
        Assert.Equal(0, code);
        Assert.Contains(Said, text, StringComparison.Ordinal);
        var inspected = JsonNode.Parse(Harness.Command("inspect", model, "--json").Output)!;
        Assert.Equal(5, inspected["activationGrids"]!.GetValue<int>());
        Assert.All(inspected["layers"]!.AsArray(), layer => Assert.Equal(8, layer!["gridBits"]!.GetValue<int>()));

        string[] quantize = ["quantize", model, .. common, "--run", folder["run"], "-b", "4bit", "-o", folder["q.onnx"]];
        var (done, json, error) = Harness.Command([.. quantize, "--json"]);
        Assert.True(done == 0, error);
        Assert.Contains($"{Said}, which are kept; --requantize removes them", error, StringComparison.Ordinal);
        Assert.Equal("keep", JsonNode.Parse(json)!["activations"]!.GetValue<string>());
        Assert.Equal(5, OnnxFile.Read(folder["q.onnx"]).Graph.Node.Count(ActivationGrids.IsGrid));
        Assert.Equal(0, Harness.Command("export", "--run", folder["run"], "-b", "4bit", "-o", folder["e.onnx"]).Code);
        Assert.Equal(0, Harness.Command(
            "export", "--run", folder["run"], "-b", "4bit", "-o", folder["k.onnx"], "--activations", "keep").Code);
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["e.onnx"]));
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["k.onnx"]));

        var refused = Harness.Command([.. quantize, "--activations", "float"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("5 activation grids of its own; remove them with --requantize", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"]).Code);
        Assert.Equal(0, Harness.Command(["evaluate", folder["q.onnx"], .. common[..4], "--reference", model]).Code);
    }

    [Fact]
    public void GridsAreRemoved()
    {
        using var folder = new TemporaryFolder();
        var (model, common) = Model(folder);
        string[] quantize = ["quantize", model, .. common, "--run", folder["run"], "-b", "8bit", "--bits", "4,8", "--requantize"];
        foreach (var (format, functions) in new[] { ("8", 1), ("float", 0) })
        {
            var (code, json, error) = Harness.Command([.. quantize, "--activations", format, "-o", folder["q.onnx"], "--json"]);
            Assert.True(code == 0, error);
            var written = OnnxFile.Read(folder["q.onnx"]);
            Assert.DoesNotContain(written.Graph.Node, ActivationGrids.IsGrid);
            Assert.Equal(functions, written.Functions.Count(f => f.Name == "A"));
            // What the file loses is measured against the network without grids: nothing but what keeps sums of 16 bits from overflowing.
            Assert.InRange(JsonNode.Parse(json)!["measuredLoss"]!.GetValue<double>(), -1e-9, functions == 0 ? 1e-4 : 1e-2);
        }
        // It is another network than the one with its grids.
        var other = Harness.Command(["measure", model, .. common[..^2], "--bits", "4,8", "--run", folder["run"]]);
        Assert.Equal(2, other.Code);
        Assert.Contains("requantize (there true, now nothing)", other.Error, StringComparison.Ordinal);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"]).Code);
        Assert.Contains("--requantize", File.ReadAllText(folder["run/report.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void ALargerFileIsNotWritten()
    {
        using var folder = new TemporaryFolder();
        var (model, common) = Model(folder, "int4 by channel");
        long bytes = new FileInfo(model).Length;
        // What holds of every choice is said before anything is measured.
        var before = Harness.Command(
            ["quantize", model, .. common, "--run", folder["a"], "-b", "none", "--bits", "8", "-o", folder["q.onnx"]]);
        Assert.Equal(1, before.Code);
        Assert.Contains(
            FormattableString.Invariant($"is larger than the model, {bytes:N0} bytes: its weights are 4 bits already; "), before.Error,
            StringComparison.Ordinal);
        Assert.Contains("allow narrower widths with --bits", before.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["a"]));

        string[] quantize = ["quantize", model, .. common, "--run", folder["b"], "--bits", "2,8", "-o", folder["q.onnx"]];
        var after = Harness.Command([.. quantize, "-b", "none", "--json"]);
        Assert.Equal(1, after.Code);
        Assert.Contains($"--budget {bytes} gives a file that is no larger", after.Error, StringComparison.Ordinal);
        Assert.Contains("is larger than the model", JsonNode.Parse(after.Output)!["growth"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(1, Harness.Command("export", "--run", folder["b"], "-b", "none", "-o", folder["q.onnx"]).Code);
        Assert.False(File.Exists(folder["q.onnx"]));
        var allocated = Harness.Command("allocate", "--run", folder["b"], "-b", "none");
        Assert.Equal(0, allocated.Code);
        Assert.Contains("is larger than the model", allocated.Error, StringComparison.Ordinal);
        // What the message says to do works.
        var kept = Harness.Command([.. quantize, "-b", $"{bytes}"]);
        Assert.True(kept.Code == 0, kept.Error);
        Assert.InRange(new FileInfo(folder["q.onnx"]).Length, 1, bytes);
    }

    /// <summary>Nothing is kept where there is nothing.</summary>
    [Fact]
    public void AFloatModelHasNoGridsToKeep()
    {
        using var folder = new TemporaryFolder();
        var (_, common) = Model(folder);
        OnnxFile.Write(NetworkBuilder.SmallClassifier().Build(), folder["f.onnx"]);
        var (code, _, error) = Harness.Command(
            ["quantize", folder["f.onnx"], .. common, "--run", folder["run"], "-b", "4bit", "--activations", "keep"]);
        Assert.Equal(2, code);
        Assert.Contains("--activations keep: the model has no activation grids of its own; 8 or float are wanted", error,
            StringComparison.Ordinal);
    }

    private static (string Path, string[] Options) Model(TemporaryFolder folder, string form = "int8 by channel")
    {
        var path = folder["m.onnx"];
        OnnxFile.Write(QuantizedModelTests.Network(form, channels: 96).Build(), path);
        string[] options =
            ["--images", Harness.Images(folder, "images", 1), "--preprocess", "unit", "--estimator", "diagonal", "--rounds", "0"];
        return (path, options);
    }
}
