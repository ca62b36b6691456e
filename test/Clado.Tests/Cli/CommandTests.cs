using System.Globalization;
using System.Text.Json;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Google.Protobuf;
using SkiaSharp;
using Xunit;
using static System.FormattableString;

namespace Clado.Tests.Cli;

public class CommandTests
{
    [Fact]
    public void TheWholeJobAndItsStagesAgree()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] measuring = [model, "--images", images, "--preprocess", "unit", "--bits", "2,3,4,8", "--run", folder["run"]];

        var quantized = Harness.Command(["quantize", .. measuring, "--budget", "3500", "-o", folder["q.onnx"], "--json"]);
        Assert.Equal(0, quantized.Code);
        using var json = JsonDocument.Parse(quantized.Output);
        var root = json.RootElement;
        long size = root.GetProperty("sizeBytes").GetInt64();
        Assert.Equal(new FileInfo(folder["q.onnx"]).Length, size);
        Assert.True(size <= 3500);
        Assert.Equal(3500, root.GetProperty("budgetBytes").GetInt64());
        Assert.Equal(5, root.GetProperty("layers").GetArrayLength());
        foreach (var key in (string[])
            ["status", "bitsPerWeight", "objective", "bound", "gap", "predictedLoss", "measuredLoss", "estimator", "output",
                "smallestBytes"])
        {
            Assert.True(root.TryGetProperty(key, out _), key);
        }
        Assert.InRange(root.GetProperty("parity").GetProperty("agreement").GetDouble(), 0.5, 1);

        // The same in single steps; measuring finds everything done.
        Assert.Equal(0, Harness.Command(["measure", .. measuring]).Code);
        var allocated = Harness.Command("allocate", "--run", folder["run"], "--budget", "3500", "--json");
        var layers = JsonDocument.Parse(allocated.Output).RootElement.GetProperty("layers");
        Assert.Equal(root.GetProperty("layers").ToString(), layers.ToString());
        Assert.Equal(0, Harness.Command("export", "--run", folder["run"], "--budget", "3500", "-o", folder["e.onnx"]).Code);
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["e.onnx"]));

        var evaluated = Harness.Command(
            "evaluate", folder["e.onnx"], "--images", images, "--preprocess", "unit", "--reference", model, "--latency", "--json");
        Assert.Equal("", evaluated.Code == 0 ? "" : evaluated.Error);
        using var result = JsonDocument.Parse(evaluated.Output);
        Assert.Equal(size, result.RootElement.GetProperty("sizeBytes").GetInt64());
        Assert.InRange(result.RootElement.GetProperty("agreement").GetDouble(), 0.2, 1);
        Assert.InRange(result.RootElement.GetProperty("top1").GetDouble(), 0, 1);
        Assert.True(result.RootElement.GetProperty("latencyMilliseconds").GetDouble() > 0);
        Assert.True(result.RootElement.GetProperty("referenceLatencyMilliseconds").GetDouble() > 0);

        // The same measurement serves files with float activations, whose simulation is exact.
        var floats = Harness.Command(
            ["quantize", .. measuring, "--budget", "3500", "--activations", "float", "-o", folder["f.onnx"], "--json"]);
        Assert.Equal("", floats.Code == 0 ? "" : floats.Error);
        using var exact = JsonDocument.Parse(floats.Output);
        Assert.Equal(new FileInfo(folder["f.onnx"]).Length, exact.RootElement.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(0, exact.RootElement.GetProperty("parity").GetProperty("largestDifference").GetDouble());

        using var inspected = JsonDocument.Parse(Harness.Command("inspect", model, "--json").Output);
        Assert.Equal(5, inspected.RootElement.GetProperty("layers").GetArrayLength());
        foreach (var file in (string[])
            ["run.json", "layers.csv", "candidates.csv", "candidates.safetensors", "sensitivity.safetensors", "records.sqlite",
                "allocation-3500.json", "evaluation-q.json"])
        {
            Assert.True(File.Exists(Path.Combine(folder["run"], file)), file);
        }
    }

    /// <summary>One measurement serves files of both opsets, each of them exact to the byte and within its budget.</summary>
    [Fact]
    public void FilesOfTheEarlierOpsetKeepTheirBudgets()
    {
        using var folder = new TemporaryFolder();
        var (later, images) = Sample(folder);
        OnnxFile.Write(Harness.Earlier(Graph.Read(later)).Model, folder["earlier.onnx"]);
        string[] measuring =
            [folder["earlier.onnx"], "--images", images, "--preprocess", "unit", "--bits", "2,3,4,8", "--run", folder["run"]];
        Assert.Equal(0, Harness.Command(["measure", .. measuring]).Code);
        foreach (var (budget, opset) in (from b in (string[])["3200", "3500", "4000"] from o in (int[])[21, 25] select (b, o)))
        {
            string[] export = ["export", "--run", folder["run"], "--budget", budget, "--opset", $"{opset}"];
            var exported = Harness.Command([.. export, "-o", folder["e.onnx"], "--json"]);
            Assert.Equal("", exported.Code == 0 ? "" : exported.Error);
            using var json = JsonDocument.Parse(exported.Output);
            Assert.Equal(new FileInfo(folder["e.onnx"]).Length, json.RootElement.GetProperty("sizeBytes").GetInt64());
            Assert.InRange(new FileInfo(folder["e.onnx"]).Length, 1, long.Parse(budget, CultureInfo.InvariantCulture));
            Assert.Equal(opset, OnnxFile.Read(folder["e.onnx"]).Opset());
        }
        var quantized = Harness.Command(["quantize", .. measuring, "--budget", "3500", "--opset", "21", "-o", folder["q.onnx"], "--json"]);
        Assert.Equal("", quantized.Code == 0 ? "" : quantized.Error);
        string[] again = ["export", "--run", folder["run"], "--budget", "3500", "--opset", "21", "-o", folder["e.onnx"]];
        Assert.Equal(0, Harness.Command(again).Code);
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["e.onnx"]));

        Fails(
            ["quantize", later, "--images", images, "--budget", "3bit", "--opset", "21", "--run", folder["r2"]],
            "is of opset 25, later than the 21");
        Fails(["export", "--run", folder["run"], "--budget", "3bit", "--opset", "22", "-o", folder["e.onnx"]], "22");
    }

    [Theory]
    [InlineData("feedback", "float")]
    [InlineData("feedback", "quantized")]
    [InlineData("gpfq", "float")]
    [InlineData("gpfq", "quantized")]
    [InlineData("nearest", "float")]
    public void EveryRoundingGoesThroughAndRefiningNeverLoses(string rounding, string inputs)
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] command =
        [
            "quantize", model, "--images", images, "--rounding", rounding, "--inputs", inputs, "--budget", "3bit", "--run", folder["run"],
            "--json",
        ];
        var plain = Harness.Command([.. command, "-o", folder["p.onnx"]]);
        var refined = Harness.Command([.. command, "--refine", "-o", folder["r.onnx"]]);
        Assert.True(plain.Code == 0 && refined.Code == 0, plain.Error + refined.Error);
        double Loss(string json) => JsonDocument.Parse(json).RootElement.GetProperty("measuredLoss").GetDouble();
        Assert.True(Loss(refined.Output) <= Loss(plain.Output));
        Assert.Contains("refining: loss increase", refined.Error, StringComparison.Ordinal);
        Assert.Equal(new FileInfo(folder["p.onnx"]).Length, new FileInfo(folder["r.onnx"]).Length);
        var exported = Harness.Command("export", "--run", folder["run"], "--budget", "3bit", "--refine", "-o", folder["e.onnx"], "--json");
        Assert.True(exported.Code == 0, exported.Error);
        Assert.Equal(File.ReadAllBytes(folder["r.onnx"]), File.ReadAllBytes(folder["e.onnx"]));
        Assert.Equal(Loss(refined.Output), Loss(exported.Output));
        var name = rounding + (inputs == "quantized" ? " on quantized inputs" : "");
        Assert.Contains(name, File.ReadAllText(folder["run/run.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void OneImageAndImagesOfOneColourAreEnoughToRoundOn()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        Harness.Png(folder["black/1.png"], 8, 8, SKColors.Black);
        Harness.Png(folder["gray/1.png"], 8, 8, SKColors.Gray);
        Harness.Png(folder["gray/2.png"], 8, 8, SKColors.Gray);
        string[][] sets = [[images, "--limit", "1"], [folder["black"], "--preprocess", "unit"], [folder["gray"]]];
        foreach (var (i, set) in sets.Index())
        {
            string[] refining = ["--budget", "3bit", "--refine", "--run", folder[$"run{i}"], "-o", folder["q.onnx"]];
            var result = Harness.Command(["quantize", model, "--images", .. set, .. refining]);
            Assert.True(result.Code == 0, result.Error);
        }
    }

    [Fact]
    public void ImpossibleBudgetIsExitCodeOneWithTheSmallestSize()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        var result = Harness.Command(
            "quantize", model, "--images", images, "--budget", "900", "--run", folder["run"], "-o", folder["q.onnx"], "--json");
        Assert.Equal(1, result.Code);
        long smallest = JsonDocument.Parse(result.Output).RootElement.GetProperty("smallestBytes").GetInt64();
        Assert.Contains(Invariant($"the smallest file is {smallest:N0} bytes"), LastLine(result.Error), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["q.onnx"]) || Directory.Exists(folder["run"]));
        Assert.Equal(0, Harness.Command("measure", model, "--images", images, "--run", folder["run"]).Code);
        Assert.Equal(0, Harness.Command("allocate", "--run", folder["run"], "--budget", $"{smallest}").Code);
        Assert.Equal(1, Harness.Command("allocate", "--run", folder["run"], "--budget", $"{smallest - 1}").Code);
        Assert.Equal(1, Harness.Command("allocate", "--run", folder["run"], "--budget", "1.9bit").Code);
        Assert.Equal(1, Harness.Command("allocate", "--run", folder["run"], "--budget", "none", "--max-bitops", "10").Code);
        Assert.Equal(0, Harness.Command("allocate", "--run", folder["run"], "--budget", "8bit", "--max-bitops", "1000000000").Code);
    }

    [Fact]
    public void ARunFolderOfOtherOptionsIsRefusedWithTheDifferenceNamed()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] command = ["measure", model, "--images", images, "--run", folder["run"]];
        Assert.Equal(0, Harness.Command([.. command, "--estimator", "diagonal"]).Code);
        Fails([.. command, "--estimator", "additive"], "estimator (there \"diagonal\", now \"additive\")");
        Fails([.. command, "--estimator", "diagonal", "--bits", "2,8"], "bits (there");
        Fails([.. command, "--estimator", "diagonal", "--preprocess", "tf"], "preprocessing (there");
        Fails([.. command, "--estimator", "diagonal", "--limit", "5"], "imagesSha256 (there");
        OnnxFile.Write(NetworkBuilder.SmallClassifier(seed: 2, classes: 8).Build(), model);
        Fails([.. command, "--estimator", "diagonal"], "modelSha256 (there");
        Fails(["allocate", "--run", folder["run"], "--budget", "4bit"], "measured on another");
        Directory.CreateDirectory(folder["other"]);
        File.WriteAllText(folder["other/keep.txt"], "");
        Fails(["measure", model, "--images", images, "--run", folder["other"]], "no run folder");
    }

    [Fact]
    public void CrossEntropySaysWhereANarrowerWidthMeasuredAGain()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        // An untrained network: half of all changes are for the better.
        var result = Harness.Command(
            "quantize", model, "--images", images, "--loss", "ce", "--budget", "none", "--run", folder["run"], "-o", folder["q.onnx"]);
        Assert.Equal(0, result.Code);
        Assert.Contains("ce measured a gain from a narrower width in", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryKindOfBadInputIsOneLineAndExitCodeTwo()
    {
        using var folder = new TemporaryFolder();
        var (model, images) = Sample(folder);
        string[] Quantize(string m, string i) =>
            ["quantize", m, "--images", i, "--budget", "3bit", "--run", folder[$"run-{Guid.NewGuid():N}"], "-o", folder["out.onnx"]];
        void Model(string name, byte[] bytes, string problem)
        {
            File.WriteAllBytes(folder[name], bytes);
            Fails(Quantize(folder[name], images), name, problem);
        }

        var whole = File.ReadAllBytes(model);
        Model("truncated.onnx", whole[..(whole.Length / 2)], "not a whole ONNX file");
        Model("text.onnx", "This is no model."u8.ToArray(), "not a");
        Model("empty.onnx", [], "not an ONNX model");
        Model("unknown.onnx", new NetworkBuilder(opset: 17).Then("Frobnicate", "y").Build().ToByteArray(), "operator Frobnicate");
        Fails(Quantize(folder["missing.onnx"], images), "missing.onnx", "no such file");
        var external = NetworkBuilder.SmallClassifier().Build();
        external.Graph.Initializer[0].ClearRawData();
        external.Graph.Initializer[0].DataLocation = TensorProto.Types.DataLocation.External;
        external.Graph.Initializer[0].ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "weights.bin" });
        Model("external.onnx", external.ToByteArray(), "'weights.bin' is missing");
        external.Graph.Initializer[0].ExternalData[0].Value = "../weights.bin";
        Model("leaving.onnx", external.ToByteArray(), "outside the model's folder");

        Directory.CreateDirectory(folder["empty"]);
        Fails(Quantize(model, folder["empty"]), "holds no images");
        Fails(Quantize(model, folder["nowhere"]), "no such folder");
        Directory.CreateDirectory(folder["broken"]);
        File.WriteAllText(folder["broken/1.png"], "broken");
        Fails(Quantize(model, folder["broken"]), "1.png", "not a whole PNG");
        var gray = new NetworkBuilder(input: [1, 8, 8]);
        // Large enough that a smaller file can be made of it.
        gray.Weight("w", 64, 1, 3, 3);
        OnnxFile.Write(gray.Then("Conv", "y", ["w"]).Build(), folder["gray.onnx"]);
        Fails([.. Quantize(folder["gray.onnx"], images), "--preprocess", "unit"], ".png", "takes 1 channel");
        Harness.Png(folder["labelled/1.png"], 8, 8, SKColors.Red);
        File.WriteAllText(folder["labelled/labels.csv"], "file,class\nghost.png,3\n");
        Fails(Quantize(model, folder["labelled"]), "labels.csv: line 2", "ghost.png");

        Fails(["quantize", model, "--images", images, "--budget", "much", "--run", folder["r1"]], "--budget much");
        Fails(["quantize", model, "--images", images, "--budget", "3bit", "--bits", "1,2", "--run", folder["r2"]], "--bits 1,2");
        Fails(["quantize", model, "--images", images, "--budget", "3bit", "--pin", "nope=4", "--run", folder["r3"]], "--pin nope=4");
        Fails(["quantize", model, "--images", images, "--budget", "3bit", "--estimator", "magic"], "magic");
        Fails(["quantize", model, "--budget", "3bit"], "--images");
        Fails(["quantize", model, "--images", images, "--budget", "3bit", "--run", folder["r4"], "-o", model], "is the float model itself");
        Fails(["quantize", model, "--images", images, "--budget", "3bit", "--run", folder["r5"], "--memory", "10MB"], "needs at least");
        Fails(["quantise"], "'quantise' is no command");
        Fails(["evaluate", model, "--images", images, "--threads", "0"], "--threads 0");
        Fails(["allocate", "--run", folder["nowhere"], "--budget", "3bit"], "no run folder");
    }

    [Fact]
    public void HelpShowsAnExampleAVerb()
    {
        foreach (var verb in (string[])["quantize", "inspect", "measure", "allocate", "export", "evaluate", "sweep", "report", "demo"])
        {
            var help = Harness.Command(verb, "--help");
            Assert.Equal(0, help.Code);
            Assert.Contains($"Example: clado {verb}", help.Output, StringComparison.Ordinal);
        }
    }

    /// <summary>A small classifier of eight classes, and labelled images that it has to scale.</summary>
    private static (string Model, string Images) Sample(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        return (folder["model.onnx"], Harness.Images(folder, "images", 3));
    }

    private static void Fails(string[] command, params string[] said)
    {
        var (code, _, error) = Harness.Command(command);
        Assert.True(code == 2, $"{string.Join(' ', command)} ended with {code}: {error}");
        var line = LastLine(error);
        Assert.StartsWith("clado: ", line, StringComparison.Ordinal);
        Assert.All(said, text => Assert.Contains(text, line, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static string LastLine(string text) => text.TrimEnd().Split('\n')[^1];
}
