using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Evaluation;

/// <summary>Files of networks that are no classifiers, evaluated as their users run them.</summary>
public class TaskMeasureTests
{
    [Fact]
    public void AListOfWhatIsSelectedIsMeasuredThoughItsLengthDependsOnTheImage()
    {
        using var folder = new TemporaryFolder();
        var result = Evaluated(folder, Selected(), NetworkTask.Detect, 0.1, bits: 6);
        var measures = result.Measures!;
        Assert.Equal((NetworkTask.Detect, MeasureKind.DetectionsKept), (result.Task, measures.Measure));
        Assert.InRange(measures.ReferenceDetections!.Value, 40, int.MaxValue);
        Assert.Equal(measures.DetectionsKept, measures.Value);
        // Weights of 6 bits lose some, and what stays overlaps with what was.
        Assert.InRange(measures.Value!.Value, 0.05, 0.999);
        var list = Assert.Single(result.Outputs);
        Assert.True(list.DifferentSizes > 0 && list.RelativeError is null);
        // The loss is that of the boxes and scores in front of the selection.
        Assert.InRange(result.LossIncrease!.Value, 1e-6, 1);
    }

    [Fact]
    public void AMapOfClassesOfIntegersIsMeasured()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(3, input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 5, 8, 1, 1);
        net.Then("Conv", "c1", ["w1"], NodeExtensions.Attribute("pads", 1, 1, 1, 1)).Then("Relu", "r1").Then("Conv", "c2", ["w2"])
            .Then("ArgMax", "classes", null, NodeExtensions.Attribute("axis", 1), NodeExtensions.Attribute("keepdims", 0));
        var model = net.Build();
        model.Graph.Output[0].Type.TensorType.ElemType = (int)DataType.Int64;
        var result = Evaluated(folder, model, NetworkTask.Segment);
        Assert.InRange(result.Measures!.MeanIou!.Value, 0.1, 0.999);
        // Places that agree are what the output's values say.
        Assert.Equal(result.Outputs.Single().Agreement!.Value, result.Measures.PixelAgreement!.Value, 1e-12);
        Assert.NotNull(result.Outputs.Single().WorstImage);
    }

    [Fact]
    public void ThreadsAndBatchesChangeNothing()
    {
        using var folder = new TemporaryFolder();
        var regression = Heads.TwoOutputs().Build("large", "small");
        foreach (var (model, task) in new[] { (Selected(), NetworkTask.Detect), (regression, NetworkTask.Regress) })
        {
            string One(int threads) => Evaluated(folder, model, task, threads: threads).ToJson();
            Assert.Equal(One(1), One(4));
        }
    }

    /// <summary>An output without a dimension of images is told apart by running each alone.</summary>
    [Fact]
    public void OutputsWithoutADimensionOfImagesAreReadImageByImage()
    {
        var net = new NetworkBuilder(3, input: [3, 24, 24]);
        net.Weight("w1", 4, 3, 3, 3);
        net.Model.Graph.Initializer.Add(TensorData.Integers("row", [-1, 2], 2));
        net.Then("Conv", "c1", ["w1"]).Then("GlobalAveragePool", "p").Then("Reshape", "rows", ["row"]);
        using var folder = new TemporaryFolder();
        var result = Evaluated(folder, net.Build(), NetworkTask.Regress);
        var output = Assert.Single(result.Outputs);
        Assert.Null(output.DifferentSizes);
        Assert.InRange(output.RelativeError!.Value, 1e-3, 10);
    }

    [Fact]
    public void WithoutAReferenceItIsSaidThatOneIsNeeded()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Heads.TwoOutputs().Build("large", "small"), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 1);
        var (code, output, error) = Harness.Command(
            "evaluate", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--json");
        Assert.Equal(0, code);
        Assert.Contains("its FP32 model, --reference", error, StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(output).RootElement.TryGetProperty("measure", out _));
    }

    [Fact]
    public void TheTableAndTheJsonHaveErrorsAndTheMeasure()
    {
        using var folder = new TemporaryFolder();
        var (file, model, images) = Files(folder, Heads.TwoOutputs().Build("large", "small"));
        string[] evaluate = ["evaluate", file, "--images", images, "--preprocess", "unit", "--reference", model];
        var json = JsonDocument.Parse(Harness.Command([.. evaluate, "--json"]).Output).RootElement;
        Assert.Equal(["large", "small"], json.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
        Assert.All(json.GetProperty("outputs").EnumerateArray(), o => Assert.True(
            o.GetProperty("relativeError").GetDouble() > 0 && o.GetProperty("cosine").GetDouble() < 1
            && o.GetProperty("largestDifference").GetDouble() > 0
            && o.GetProperty("worstImage").GetString()!.EndsWith(".png", StringComparison.Ordinal)));
        Assert.Equal("relativeError", json.GetProperty("measure").GetString());
        Assert.Equal(
            json.GetProperty("outputs").EnumerateArray().Max(o => o.GetProperty("relativeError").GetDouble()),
            json.GetProperty("measureValue").GetDouble());
        var (_, table, _) = Harness.Command(evaluate);
        Assert.Contains("relative error", table, StringComparison.Ordinal);
        Assert.Contains("worst image", table, StringComparison.Ordinal);
        Assert.DoesNotContain("top-1", table, StringComparison.Ordinal);
        foreach (var threshold in (string[])["0", "1", "x"])
        {
            var (code, _, error) = Harness.Command([.. evaluate, "--score-threshold", threshold]);
            Assert.Equal(2, code);
            Assert.Contains("--score-threshold", error, StringComparison.Ordinal);
        }
    }

    /// <summary>A sweep, its target, its page and quantize go by the measure.</summary>
    [Fact]
    public void ADropIsOneInTheTasksOwnMeasure()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Heads.TwoOutputs().Build("large", "small"), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        var (code, output, error) = Harness.Command(
            "quantize", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--bits", "2,4,8", "--budget", "4bit",
            "--estimator", "diagonal", "--run", folder["run"], "-o", folder["q.onnx"]);
        Assert.True(code == 0, error);
        Assert.Matches(@"at this size .* relative error", output);
        Assert.Matches(@"measured on the written file .*; relative error [\d.]+ %", output);
        string[] sweep = ["sweep", "--run", folder["run"], "--rounds", "0", "--json", "--target-drop"];
        (code, output, error) = Harness.Command([.. sweep, "10"]);
        Assert.True(code == 0, error);
        Assert.Contains("points of relative error to the float model", error, StringComparison.Ordinal);
        var points = JsonDocument.Parse(output).RootElement.EnumerateArray()
            .Where(p => p.GetProperty("method").GetString() == "clado").ToArray();
        Assert.All(points, p => Assert.Equal("relativeError", p.GetProperty("measure").GetString()));
        long smallest = points.Where(p => p.GetProperty("measureValue").GetDouble() <= 0.1).Min(p => p.GetProperty("sizeBytes").GetInt64());
        Assert.Contains(FormattableString.Invariant($": {smallest:N0} bytes"), error, StringComparison.Ordinal);
        Assert.Equal(1, Harness.Command([.. sweep, "0"]).Code);

        Assert.Equal(0, Harness.Command("report", "--run", folder["run"]).Code);
        var page = File.ReadAllText(folder["run/report.html"]);
        Assert.Contains("\"measure\":{\"title\":\"relative error\",\"isError\":true}", page, StringComparison.Ordinal);
        Assert.Contains("\"measureValue\":0", page, StringComparison.Ordinal);

        // Points of versions that did not measure are measured.
        foreach (var kept in Directory.GetFiles(folder["run"], "sweep-*.json"))
        {
            var earlier = JsonNode.Parse(File.ReadAllText(kept))!;
            foreach (var point in earlier["points"]!.AsArray())
            {
                point!.AsObject().Remove("measure");
                point.AsObject().Remove("measureValue");
            }
            FolderDamager.Forge(folder["run"], Path.GetFileName(kept), Encoding.UTF8.GetBytes(earlier.ToJsonString()));
        }
        var (again, _, said) = Harness.Command([.. sweep, "10"]);
        Assert.Equal(0, again);
        Assert.Contains(FormattableString.Invariant($": {smallest:N0} bytes"), said, StringComparison.Ordinal);
    }

    /// <summary>A network with boxes and scores of 36 places, of which a NonMaxSuppression selects: [selected, 3].</summary>
    private static ModelProto Selected()
    {
        var net = Heads.TwoOutputs();
        var graph = net.Model.Graph;
        foreach (var (name, values) in new (string, long[])[] { ("shape", [0, 4, 36]), ("most", [20]) })
        {
            graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        }
        graph.Initializer.Add(TensorData.Singles("tame", [0.01f]));
        graph.Initializer.Add(TensorData.Singles("iou", [0.6f]));
        graph.Initializer.Add(TensorData.Singles("least", [0.1f]));
        net.Add("Mul", ["large", "tame"], "m").Then("Sigmoid", "s").Then("Reshape", "b", ["shape"])
            .Then("Transpose", "boxes", null, NodeExtensions.Attribute("perm", 0, 2, 1));
        net.Add("Reshape", ["small", "shape"], "scores");
        net.Add(
            "NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"], "selected", NodeExtensions.Attribute("center_point_box", 1));
        var model = net.Build();
        graph.Output[0].Type.TensorType.ElemType = (int)DataType.Int64;
        return model;
    }

    private static (string File, string Model, string Images) Files(TemporaryFolder folder, ModelProto model, int bits = 2)
    {
        OnnxFile.Write(model, folder["model.onnx"]);
        var graph = Graph.Read(folder["model.onnx"]);
        OnnxFile.Write(ModelWriter.Build(graph, Harness.Candidates(graph, bits).Items), folder["q.onnx"]);
        return (folder["q.onnx"], folder["model.onnx"], Harness.Images(folder, "images", 5));
    }

    private static EvaluationResult Evaluated(
        TemporaryFolder folder, ModelProto model, NetworkTask task, double threshold = 0.3, int threads = 2, int bits = 2)
    {
        var (file, reference, images) = Files(folder, model, bits);
        return Evaluator.Evaluate(file, new EvaluationOptions
        {
            Images = images,
            Reference = reference,
            Preprocessing = Preprocessing.Parse("unit"),
            Task = task,
            ScoreThreshold = threshold,
            Resources = new Resources { Threads = threads },
        }, cancellation: TestContext.Current.CancellationToken);
    }
}
