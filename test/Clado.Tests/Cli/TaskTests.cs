using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Clado.Tests.Tasks;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Cli;

/// <summary>What a network is for, from the command line: decided, said, overridden.</summary>
public class TaskTests
{
    /// <summary>Networks that end in boxes of one image's own number, and in classes of pixels, are quantized whole.</summary>
    [Theory]
    [InlineData("suppressed", "detect", "'boxes' [1, 36, 4], 'by_class' [1, 2, 36]")]
    [InlineData("segments", "segment", "5 classes at each of 576 places")]
    [InlineData("embedding", "embed", "divided by its length")]
    public void WhatEndsOtherwiseIsQuantized(string kind, string task, string reason)
    {
        using var folder = new TemporaryFolder();
        var model = kind switch
        {
            "suppressed" => TaskNetworks.Suppressed().Built(("kept", DataType.Float), ("picked", DataType.Int64)),
            "segments" => TaskNetworks.Map(5).Enlarged().Then("ArgMax", "k", null, Attribute("axis", 1)).Built(("k", DataType.Int64)),
            _ => TaskNetworks.Vector(16).OfUnitLength("ReduceL2").Build(),
        };
        OnnxFile.Write(model, folder["net.onnx"]);
        string[] images = ["--images", Harness.Images(folder, "set", 2), "--preprocess", "unit"];
        string[] quantize = ["quantize", folder["net.onnx"], .. images, "--budget", "4bit", "-o", folder["q.onnx"], "--run", folder["run"]];
        var (code, output, error) = Harness.Command([.. quantize, "--json"]);
        Assert.True(code == 0, error);
        Assert.Contains($"task: {task}, since ", error, StringComparison.Ordinal);
        Said(output, task, reason);
        var written = OnnxFile.Read(folder["q.onnx"]);
        Assert.Equal(model.Graph.Output.Select(o => o.Name), written.Graph.Output.Select(o => o.Name));
        Assert.True(new FileInfo(folder["q.onnx"]).Length < new FileInfo(folder["net.onnx"]).Length);

        (code, output, error) = Harness.Command("allocate", "--run", folder["run"], "--budget", "3bit", "--json");
        Assert.True(code == 0, error);
        Said(output, task, reason);
        (code, output, error) = Harness.Command(["evaluate", folder["q.onnx"], .. images, "--reference", folder["net.onnx"], "--json"]);
        Assert.True(code == 0, error);
        Assert.Contains($"task: {task}, since ", error, StringComparison.Ordinal);
        Said(output, task, reason);
        (code, output, error) = Harness.Command("inspect", folder["net.onnx"], "--json");
        Assert.True(code == 0, error);
        Said(output, task, reason);
        (_, output, _) = Harness.Command("inspect", folder["net.onnx"]);
        Assert.Contains($"task: {task}, since ", output, StringComparison.Ordinal);
    }

    /// <summary>One value that says yes or no has an accuracy: the share of images on the side of zero that their label is on.</summary>
    [Fact]
    public void YesOrNoHasAnAccuracy()
    {
        using var folder = new TemporaryFolder();
        var model = TaskNetworks.Vector(1).Then("Sigmoid", "y").Build();
        OnnxFile.Write(model, folder["net.onnx"]);
        Harness.Images(folder, "all", 3);
        var lines = new List<string> { "file,class" };
        foreach (var (index, path) in Directory.GetFiles(folder["all"], "*.png", SearchOption.AllDirectories).Order().Index())
        {
            Directory.CreateDirectory(folder["set"]);
            File.Copy(path, folder[$"set/{index}.png"]);
            lines.Add($"{index}.png,{index % 2}");
        }
        File.WriteAllLines(folder["set/labels.csv"], lines);
        string[] evaluate = ["evaluate", folder["net.onnx"], "--images", folder["set"], "--preprocess", "unit", "--json"];
        var (code, output, error) = Harness.Command(evaluate);
        Assert.True(code == 0, error);
        using var json = JsonDocument.Parse(output);
        var set = Clado.Images.ImageFolder.Open(folder["set"]);
        var graph = Clado.Graphs.Graph.Read(folder["net.onnx"]);
        using var runner = new Clado.Inference.ModelRunner(
            graph, new(["v"], [1], new(Clado.Graphs.NetworkTask.Regress, "")), Clado.Inference.OutputSource.Float("n"));
        float[] scores = runner.Run(new Clado.Images.ImageBatches(set, graph, Clado.Images.Preprocessing.Parse("unit"), 24).Load(0));
        int[] labels = [.. set.Items.Select(item => item.Label!.Value)];
        double right = scores.Zip(labels).Average(p => (p.First > 0) == (p.Second == 1) ? 1.0 : 0);
        Assert.Equal(right, json.RootElement.GetProperty("top1").GetDouble());
        double entropy = scores.Zip(labels).Average(p => Math.Log(1 + Math.Exp(p.Second == 1 ? -p.First : p.First)));
        Assert.Equal(entropy, json.RootElement.GetProperty("loss").GetDouble(), 1e-5);
        // A class of three is none of two.
        File.WriteAllLines(folder["set/labels.csv"], [.. lines.Take(3), .. lines.Skip(3).Select(line => line.Replace(",1", ",2"))]);
        (code, _, error) = Harness.Command(evaluate);
        Assert.Equal(2, code);
        Assert.Contains("class 2 is not among the model's 2", error, StringComparison.Ordinal);
    }

    /// <summary>The task tells runs apart where the network is read otherwise, and only there.</summary>
    [Fact]
    public void ATaskIsPartOfARunWhereItChangesWhatIsMeasured()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(TaskNetworks.Vector(10).Build(), folder["net.onnx"]);
        string[] measure =
        [
            "measure", folder["net.onnx"], "--images", Harness.Images(folder, "set", 1), "--preprocess", "unit", "--bits", "2,8",
            "--run", folder["run"],
        ];
        Assert.Equal(0, Harness.Command(measure).Code);
        Assert.Equal(0, Harness.Command([.. measure, "--task", "classify"]).Code);
        var (code, _, error) = Harness.Command([.. measure, "--task", "embed"]);
        Assert.Equal(2, code);
        Assert.Contains("task (there nothing, now \"embed\")", error, StringComparison.Ordinal);
        string[] other = [.. measure[..^1], folder["embedding"]];
        (code, var output, error) = Harness.Command([.. other, "--task", "embed"]);
        Assert.True(code == 0, error);
        Assert.Contains("task: embed, since it was said to be", error, StringComparison.Ordinal);
        Assert.Contains("loss increase of each candidate alone, cosine,", output, StringComparison.Ordinal);
        (code, output, error) = Harness.Command("allocate", "--run", folder["embedding"], "--budget", "4bit", "--json");
        Assert.True(code == 0, error);
        Said(output, "embed", "said to be");
        // What is measured can be named, too.
        (code, output, error) = Harness.Command([.. measure[..^1], folder["cosine"], "--loss", "cosine"]);
        Assert.True(code == 0, error);
        Assert.Contains("loss increase of each candidate alone, cosine,", output, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedBeforeTheWork()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(TaskNetworks.Map(3).Enlarged().Build(), folder["net.onnx"]);
        string[] images = ["--images", Harness.Images(folder, "set", 1), "--preprocess", "unit"];
        string[] measure = ["measure", folder["net.onnx"], .. images, "--run", folder["run"]];
        foreach (string[] command in (string[][])
            [[.. measure, "--task", "classify"], ["inspect", folder["net.onnx"], "--task", "classify"],
             ["evaluate", folder["net.onnx"], .. images, "--task", "classify"]])
        {
            var (code, output, error) = Harness.Command(command);
            Assert.Equal((2, ""), (code, output));
            Assert.Contains("--task classify wants one vector of scores an image", error, StringComparison.Ordinal);
            Assert.Contains("answers with 'large' [1, 3, 24, 24]", error, StringComparison.Ordinal);
        }
        foreach (var (loss, problem) in ((string, string)[])
            [("kl", "loss 'kl' wants scores of classes"), ("ce", "loss 'ce' wants scores of classes")])
        {
            var (code, _, error) = Harness.Command([.. measure, "--loss", loss]);
            Assert.Equal(2, code);
            Assert.Contains(problem, error, StringComparison.Ordinal);
            Assert.Contains("--loss mse", error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(folder["run"]));
        // Three channels are colours, unless it is said that they are classes.
        var (done, _, said) = Harness.Command([.. measure, "--task", "segment", "--bits", "2,8"]);
        Assert.True(done == 0, said);
    }

    /// <summary>Of two images that go in, one can be a constant; the message says how.</summary>
    [Fact]
    public void TwoImagesSayHowToSetOne()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("wv", 4, 16);
        var second = net.Model.Graph.Input[0].Clone();
        second.Name = "z";
        net.Model.Graph.Input.Add(second);
        net.Add("Conv", ["x", "w1"], "a").Add("Conv", ["z", "w1"], "b").Add("Concat", ["a", "b"], "ab", Attribute("axis", 1))
            .Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "v", ["wv"], Attribute("transB", 1)).Then("Softmax", "y");
        OnnxFile.Write(net.Build(), folder["net.onnx"]);
        string[] measure = ["measure", folder["net.onnx"], "--images", Harness.Images(folder, "set", 1), "--preprocess", "unit"];
        var (code, _, error) = Harness.Command([.. measure, "--run", folder["run"]]);
        Assert.Equal(2, code);
        Assert.Contains("name it with --input, and give each of the others a value", error, StringComparison.Ordinal);
        Assert.Contains("--set z=0", error, StringComparison.Ordinal);
        (code, _, error) = Harness.Command([.. measure, "--run", folder["run"], "--input", "x", "--set", "z=0.5", "--bits", "2,8"]);
        Assert.True(code == 0, error);
    }

    private static void Said(string json, string task, string reason)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(task, document.RootElement.GetProperty("task").GetString());
        Assert.Contains(reason, document.RootElement.GetProperty("taskReason").GetString(), StringComparison.Ordinal);
    }
}
