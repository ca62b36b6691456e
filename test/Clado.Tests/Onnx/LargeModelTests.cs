using System.Text.Json;
using Clado.Execution;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Support;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace Clado.Tests.Onnx;

/// <summary>Changes what a message may be, which all share: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(LargeModelTests), DisableParallelization = true)]
public class LargeModelsAlone;

/// <summary>Models larger than a message can be, end to end, with a message of 9,000 bytes.</summary>
[Collection(nameof(LargeModelTests))]
public sealed class LargeModelTests : IDisposable
{
    private const long Limit = 12_000;

    private readonly long limit = OnnxFile.LargestBytes;
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        OnnxFile.LargestBytes = limit;
        folder.Dispose();
    }

    /// <summary>Around what one file can have, too, where a second one begins to cost its own.</summary>
    [Fact]
    public void TheBudgetOfWeightsIsTheLargestThatFits()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        OnnxFile.LargestBytes = 20_000;
        var sizes = new FileSize(graph, LayerFinder.Find(graph).Layers);
        for (long budget = 19_990; budget < 80_000; budget += budget < 20_020 ? 1 : 1777)
        {
            long weights = sizes.WeightBudget(budget, [3, 4]);
            Assert.True(sizes.Predict(weights, [3, 4]) <= budget && sizes.Predict(weights + 1, [3, 4]) > budget, $"{budget}: {weights}");
        }
    }

    /// <summary>Read with external data, measured, chosen, written, evaluated, timed: the same bits as in one file.</summary>
    [Theory]
    [InlineData("8")]
    [InlineData("float")]
    public void TheWholeJobIsTheSame(string activations)
    {
        var (model, images) = Sample();
        string[] Quantize(string run, string output) =>
            ["quantize", model, "--images", images, "--preprocess", "unit", "--bits", "4,8", "--estimator", "pairwise", "--budget", "7bit",
                "--activations", activations, "--run", folder[run], "-o", folder[output], "--json"];
        var one = Harness.Command(Quantize("one", "one.onnx"));
        Assert.Equal("", one.Code == 0 ? "" : one.Error);
        OnnxFile.LargestBytes = Limit;
        var two = Harness.Command(Quantize("two", "two.onnx"));
        Assert.Equal("", two.Code == 0 ? "" : two.Error);

        var data = Assert.Single(Directory.GetFiles(folder.Path, "two.onnx.*.data"));
        Assert.Empty(Directory.GetFiles(folder.Path, "one.onnx.*.data"));
        using var json = JsonDocument.Parse(two.Output);
        Assert.Equal(new FileInfo(folder["two.onnx"]).Length + new FileInfo(data).Length,
            json.RootElement.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(Layers(one.Output), Layers(two.Output));
        Assert.Equal(Bare(OnnxFile.Read(folder["one.onnx"])), Bare(OnnxFile.Read(folder["two.onnx"])));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder["one"], "sensitivity.safetensors")),
            File.ReadAllBytes(Path.Combine(folder["two"], "sensitivity.safetensors")));

        string[] Evaluate(string file) =>
            ["evaluate", folder[file], "--images", images, "--preprocess", "unit", "--reference", model, "--latency", "--json"];
        var (first, second) = (Harness.Command(Evaluate("one.onnx")), Harness.Command(Evaluate("two.onnx")));
        Assert.Equal("", second.Code == 0 ? "" : second.Error);
        Assert.Equal(JsonDocument.Parse(first.Output).RootElement.GetProperty("loss").GetDouble(),
            JsonDocument.Parse(second.Output).RootElement.GetProperty("loss").GetDouble());
        // As any user would run it.
        using var session = new InferenceSession(folder["two.onnx"]);
        Assert.Equal("logits", session.OutputNames[0]);
    }

    /// <summary>What two files have at most is said before, and a budget in bytes is kept by both together.</summary>
    [Fact]
    public void BudgetsAreKeptByBothFiles()
    {
        var (model, images) = Sample();
        Assert.Equal(0, Harness.Command("measure", model, "--images", images, "--preprocess",
            "unit", "--estimator", "diagonal", "--run", folder["run"]).Code);
        OnnxFile.LargestBytes = Limit;
        foreach (long budget in (long[])[Limit, 120_000, 130_000, 200_000])
        {
            var allocated = Harness.Command("allocate", "--run", folder["run"], "--budget", $"{budget}", "--json");
            var exported = Harness.Command("export", "--run", folder["run"], "--budget", $"{budget}", "-o", folder["q.onnx"], "--json");
            Assert.Equal("", exported.Code == 0 ? "" : exported.Error);
            long written = Directory.GetFiles(folder.Path, "q.onnx*").Sum(file => new FileInfo(file).Length);
            Assert.InRange(written, 1, budget);
            Assert.InRange(written, 1, JsonDocument.Parse(allocated.Output).RootElement.GetProperty("sizeBytes").GetInt64());
        }
        var swept = Harness.Command("sweep", "--run", folder["run"], "--budgets", "11500,150000", "--rounds", "0", "--json");
        Assert.Equal("", swept.Code == 0 ? "" : swept.Error);
    }

    /// <summary>Whatever moment a writer is killed at, the model that lies there finds its data.</summary>
    [Fact]
    public void OldPairStaysUsableUntilTheNewOneIs()
    {
        OnnxFile.LargestBytes = 2000;
        var (first, second) = (NetworkBuilder.SmallClassifier(1).Build(), NetworkBuilder.SmallClassifier(2).Build());
        OnnxFile.Write(first, folder["m.onnx"]);
        using (OnnxFile.Stage(second, folder["m.onnx"]))
        {
            // Here everything is on the disk but the name.
            Assert.Equal(first, OnnxFile.Read(folder["m.onnx"]));
        }
        // Given up: only the first pair is left.
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        Assert.Equal(first, OnnxFile.Read(folder["m.onnx"]));
        // The same contents given up: their data is the first pair's, too.
        OnnxFile.Stage(first, folder["m.onnx"]).Dispose();
        Assert.Equal(first, OnnxFile.Read(folder["m.onnx"]));

        using (var staged = OnnxFile.Stage(second, folder["m.onnx"]))
        {
            staged.Commit();
        }
        Assert.Equal(second, OnnxFile.Read(folder["m.onnx"]));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        // One file again: no data is left behind.
        OnnxFile.LargestBytes = limit;
        OnnxFile.Write(first, folder["m.onnx"]);
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    /// <summary>Only the data of the model that is replaced goes, and not where another model has the same.</summary>
    [Fact]
    public void RenamedAndCopiedModelsKeepTheirData()
    {
        OnnxFile.LargestBytes = 2000;
        ModelProto[] models = [.. Enumerable.Range(1, 4).Select(seed => NetworkBuilder.SmallClassifier(seed).Build())];
        OnnxFile.Write(models[0], folder["out.onnx"]);
        File.Move(folder["out.onnx"], folder["kept.onnx"]);
        OnnxFile.Write(models[1], folder["out.onnx"]);
        Assert.Equal(models[0], OnnxFile.Read(folder["kept.onnx"]));
        File.Copy(folder["out.onnx"], folder["copy.onnx"]);
        OnnxFile.Write(models[2], folder["out.onnx"]);
        Assert.Equal(models[1], OnnxFile.Read(folder["copy.onnx"]));
        OnnxFile.Write(models[3], folder["out.onnx"]);
        Assert.Equal(models[3], OnnxFile.Read(folder["out.onnx"]));
        // Of the third, nobody has anything any more.
        Assert.Equal(3, Directory.GetFiles(folder.Path, "*.data").Length);
    }

    /// <summary>Constants of nodes cannot be kept apart from the message: what is too much of them is refused when it is read.</summary>
    [Fact]
    public void LargeConstantsOfNodesAreRefused()
    {
        var model = new NetworkBuilder().Then("Relu", "y").Build();
        var tensor = TensorData.Singles("large", new float[3000], 3000);
        File.WriteAllBytes(folder["w.bin"], tensor.RawData.ToByteArray());
        ExternalData.Refer(tensor, "w.bin", 0);
        tensor.ClearRawData();
        var value = new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = tensor };
        var apart = model.Clone();
        model.Graph.Node.Insert(0, new NodeProto { OpType = "Constant", Output = { "c" }, Attribute = { value } });
        File.WriteAllBytes(folder["m.onnx"], model.ToByteArray());
        Assert.Equal(12_000, Assert.Single(OnnxFile.Read(folder["m.onnx"]).Tensors()).RawData.Length);
        OnnxFile.LargestBytes = Limit;
        var error = Assert.Throws<OnnxFormatException>(() => OnnxFile.Read(folder["m.onnx"]));
        Assert.Equal("large", error.Tensor);
        Assert.Contains("as an initializer of the graph", error.Message, StringComparison.Ordinal);
        // Which it can be.
        apart.Graph.Initializer.Add(tensor);
        File.WriteAllBytes(folder["m.onnx"], apart.ToByteArray());
        OnnxFile.Write(OnnxFile.Read(folder["m.onnx"]), folder["n.onnx"]);
        Assert.Single(Directory.GetFiles(folder.Path, "n.onnx.*.data"));
    }

    [Fact]
    public void SizesAreThoseOfOneMessage()
    {
        foreach (var model in (ModelProto[])[NetworkBuilder.SmallClassifier().Build(), new NetworkBuilder().Then("Relu", "y").Build()])
        {
            Assert.Equal(model.CalculateSize(), model.SizeBytes());
            Assert.Equal(model.Graph.CalculateSize(), model.Graph.SizeBytes());
        }
    }

    /// <summary>Sessions share the temporary files of what they share, and leave none behind.</summary>
    [Fact]
    public void SessionsLeaveNoFilesBehind()
    {
        OnnxFile.LargestBytes = 2000;
        var model = NetworkBuilder.SmallClassifier().Build();
        var before = Files();
        using (new GraphSession(model.Clone(), "m.onnx"))
        {
            var one = Files().Except(before).ToArray();
            Assert.NotEmpty(one);
            using (new GraphSession(model.Clone(), "m.onnx"))
            {
                Assert.Equal(one.Order(), Files().Except(before).Order());
            }
            Assert.Equal(one.Order(), Files().Except(before).Order());
        }
        Assert.Empty(Files().Except(before));
        Assert.Throws<OnnxFormatException>(() => new GraphSession(Refused(model), "m.onnx"));
        Assert.Empty(Files().Except(before));
    }

    private static ModelProto Refused(ModelProto model)
    {
        var refused = model.Clone();
        refused.Graph.Node[0].OpType = "NoSuchOperator";
        return refused;
    }

    private static string[] Files() =>
        [.. Directory.GetDirectories(Path.GetTempPath(), $"clado-tensors-{Environment.ProcessId}-*").SelectMany(Directory.GetFiles)];

    private static string Layers(string json) => JsonDocument.Parse(json).RootElement.GetProperty("layers").ToString();

    private static string Bare(ModelProto model) => Convert.ToHexString(model.ToByteArray());

    private (string Model, string Images) Sample()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w1", 32, 3, 3, 3);
        net.Weight("w2", 128, 32, 3, 3);
        net.Weight("w3", 8, 128);
        net.Then("Conv", "c1", ["w1"]).Then("Relu", "r1").Then("Conv", "c2", ["w2"])
            .Then("Relu", "r2").Then("GlobalAveragePool", "p").Then("Flatten", "f");
        OnnxFile.Write(net.Then("Gemm", "logits", ["w3"], NodeExtensions.Attribute("transB", 1)).Build(),
            folder["m.onnx"], maximumSizeBytes: 2000);
        Assert.NotEmpty(Directory.GetFiles(folder.Path, "m.onnx.*.data"));
        return (folder["m.onnx"], Harness.Images(folder, "images", 2));
    }
}
