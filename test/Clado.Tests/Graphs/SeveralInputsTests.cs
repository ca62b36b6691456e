using System.Text.Json;
using Clado.Cli.Output;
using Clado.Graphs;
using Clado.Images;
using Clado.Onnx;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Graphs;

public class SeveralInputsTests
{
    // Kernels on constants are folded, and then fused differently.
    private const double SinglePrecision = 1e-5;

    private static readonly InputOptions Given = InputOptions.Parse(null, ["scale=0.5,2", "limit=4"]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AConstantInputIsMeasuredLikeAConstantOfTheModel(bool freeBatch)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        // A layer on a constant would be folded away.
        var model = Detector(freeBatch, layerOnScale: false);
        var inner = model.Clone();
        foreach (var (name, tensor) in ((string, TensorProto)[])[("scale", TensorData.Singles("scale", [0.5f, 2], 1, 2)),
            ("limit", TensorData.Integers("limit", [4]))])
        {
            inner.Graph.Input.Remove(inner.Graph.Input.Single(i => i.Name == name));
            inner.Graph.Initializer.Add(tensor);
        }
        var (graph, constant) = (Graph.FromModel(model, "m.onnx", Given), Graph.FromModel(inner, "m.onnx"));
        Assert.Equal("x", graph.Input);
        Assert.Equal(freeBatch, graph.HasFreeBatch);
        var (matrix, expected) = (Measure(graph, images), Measure(constant, images));
        double size = expected.Max(Math.Abs);
        Assert.True(size > 0);
        Assert.All(matrix.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, SinglePrecision * size));
        // And what is given matters.
        var other = Measure(Graph.FromModel(model, "m.onnx", InputOptions.Parse(null, ["scale=2,0.5", "limit=4"])), images);
        Assert.Contains(other.Zip(expected), pair => Math.Abs(pair.First - pair.Second) > 100 * SinglePrecision * size);
    }

    [Theory]
    [InlineData(true, new[] { "scale=3", "limit=4" }, new double[] { 3, 3 })]
    [InlineData(false, new[] { "scale=3,4", "limit=true" }, new double[] { 3, 4 })]
    public void OneValueFillsAllElements(bool freeBatch, string[] settings, double[] scale)
    {
        var graph = Graph.FromModel(Detector(freeBatch), "m.onnx", InputOptions.Parse(null, settings));
        var input = graph.Inputs.Constants.Single(c => c.Name == "scale");
        Assert.Equal(scale, input.Values);
        using var value = input.Value(3);
        Assert.Equal([freeBatch ? 3 : 1, 2], value.GetTensorTypeAndShape().Shape);
        float[] one = [.. scale.Select(v => (float)v)];
        Assert.Equal(freeBatch ? [.. one, .. one, .. one] : one, value.GetTensorDataAsSpan<float>());
        Assert.Equal([freeBatch, false], graph.Tensors["scale"].Batched);
    }

    [Theory]
    [InlineData("--set scale=VALUE --set limit=VALUE")]
    [InlineData("'limit' (Int64 [])", "scale=1")]
    [InlineData("no input 'scales'", "scales=1", "limit=1")]
    [InlineData("2 values an image, and --set gives 3", "scale=1,2,3", "limit=1")]
    [InlineData("value that this type does not have", "scale=1", "limit=1.5")]
    [InlineData("cannot be set", "scale=1", "limit=1", "x=1")]
    public void WhatIsMissingOrDoesNotFitIsSaid(string message, params string[] settings)
    {
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(Detector(true), "m.onnx", InputOptions.Parse("x", settings)));
        Assert.Contains(message, Words.Of(error.Message), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1L << 40)]
    [InlineData(-2)]
    [InlineData(0)]
    public void AnImpossibleSizeIsRefusedBeforeItIsFilled(long size)
    {
        var model = Detector(true);
        model.Graph.Input.Single(i => i.Name == "scale").Type.TensorType.Shape.Dim[1] = new() { DimValue = size };
        var error = Assert.Throws<OnnxFormatException>(
            () => Graph.FromModel(model, "m.onnx", InputOptions.Parse(null, ["scale=1", "limit=1"])));
        Assert.Contains("impossible input shape", error.Message, StringComparison.Ordinal);
        Assert.Equal("scale", error.Tensor);
    }

    [Theory]
    [InlineData("scale", "NAME=VALUE")]
    [InlineData("scale=wide", "no number")]
    [InlineData("scale=1,", "no number")]
    public void ASettingThatIsNoneIsRefused(string setting, string message) =>
        Assert.Contains(message, Assert.Throws<CladoException>(() => InputOptions.Parse(null, [setting])).Message,
            StringComparison.Ordinal);

    [Fact]
    public void OfTwoImagesOneIsNamed()
    {
        var model = Detector(true);
        var mask = model.Graph.Input[0].Clone();
        mask.Name = "mask";
        model.Graph.Input.Insert(0, mask);
        string[] settings = ["scale=1", "limit=1"];
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(model, "m.onnx", InputOptions.Parse(null, settings)));
        Assert.Contains("--input", Words.Of(error.Message), StringComparison.Ordinal);
        Assert.Equal("x", Graph.FromModel(model, "m.onnx", InputOptions.Parse("x", [.. settings, "mask=0"])).Input);
        // What is set is no image.
        Assert.Equal("x", Graph.FromModel(model, "m.onnx", InputOptions.Parse(null, [.. settings, "mask=0"])).Input);
        Assert.Contains("'y'", Assert.Throws<OnnxFormatException>(() => Graph.FromModel(model, "m.onnx",
            InputOptions.Parse("y", settings))).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// A reference whose inputs have other names is fed by what is the image of each, and what is set goes to whom it is meant for.
    /// </summary>
    [Fact]
    public void AReferenceMayNameItsInputsOtherwise()
    {
        using var folder = new TemporaryFolder();
        string[] common = ["--images", Harness.Images(folder, "set", 1), "--preprocess", "unit", "--latency", "--json"];
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        OnnxFile.Write(Renamed(NetworkBuilder.SmallClassifier(classes: 8).Build(), "x", "pixels"), folder["r.onnx"]);
        OnnxFile.Write(Detector(true), folder["d.onnx"]);
        OnnxFile.Write(Renamed(Renamed(Detector(true), "x", "pixels"), "scale", "zoom"), folder["e.onnx"]);
        string[] settings = ["--set", "scale=0.5,2", "--set", "zoom=0.5,2", "--set", "limit=4"];
        foreach (var (model, reference, more) in ((string, string, string[])[])[("m", "r", []), ("m", "r", ["--input", "pixels"]),
            ("d", "e", settings), ("e", "d", [.. settings, "--input", "x"])])
        {
            var (code, output, error) = Harness.Command(
                ["evaluate", folder[model + ".onnx"], "--reference", folder[reference + ".onnx"], .. common, .. more]);
            Assert.True(code == 0, error);
            var result = JsonDocument.Parse(output).RootElement;
            Assert.True(!result.TryGetProperty("agreement", out var agreement) || agreement.GetDouble() == 1);
            Assert.True(result.GetProperty("referenceLatencyMilliseconds").GetDouble() > 0);
        }
        var unknown = Harness.Command(["evaluate", folder["m.onnx"], "--reference", folder["r.onnx"], .. common, "--input", "y"]);
        Assert.Equal(2, unknown.Code);
        Assert.Contains("m.onnx: has no input 'y'", unknown.Error, StringComparison.Ordinal);
    }

    private static ModelProto Renamed(ModelProto model, string from, string to)
    {
        foreach (var node in model.Graph.Node)
        {
            for (int i = 0; i < node.Input.Count; i++)
            {
                node.Input[i] = node.Input[i] == from ? to : node.Input[i];
            }
        }
        model.Graph.Input.First(i => i.Name == from).Name = to;
        return model;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryVerbFeedsThem(bool freeBatch)
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "set", 1);
        var model = folder["m.onnx"];
        File.WriteAllBytes(model, Detector(freeBatch).ToByteArray());
        string[] inputs = ["--set", "scale=0.5,2", "--set", "limit=4"];
        string[] common = ["--images", images, "--preprocess", "unit"];
        string Succeed(params string[] args)
        {
            var (code, output, error) = Harness.Command(args);
            Assert.True(code == 0, $"{string.Join(' ', args)}: {error}");
            return output;
        }

        var missing = Harness.Command(["quantize", model, .. common, "--budget", "3bit"]);
        Assert.Equal(2, missing.Code);
        Assert.Contains("--set scale=VALUE", missing.Error, StringComparison.Ordinal);
        Succeed(["inspect", model, .. inputs]);
        using var quantized = JsonDocument.Parse(
            Succeed([
                "quantize", model, .. common, .. inputs, "--run", folder["run"], "--budget", "4bit", "-o", folder["q.onnx"], "--json"]));
        Assert.Equal(4, quantized.RootElement.GetProperty("layers").GetArrayLength());
        Assert.InRange(quantized.RootElement.GetProperty("measuredLoss").GetDouble(), 1e-9, 0.5);
        Assert.InRange(quantized.RootElement.GetProperty("parity").GetProperty("largestDifference").GetDouble(), 0, 0.1);
        // The file takes what the model takes.
        var written = OnnxFile.Read(folder["q.onnx"]);
        Assert.Equal(["x", "scale", "limit"], written.Graph.Input.Select(i => i.Name));
        Assert.Equal(["boxes", "scores", "class"], written.Graph.Output.Select(o => o.Name));
        using var evaluated = JsonDocument.Parse(
            Succeed(["evaluate", folder["q.onnx"], .. common, .. inputs, "--reference", model, "--latency", "--json"]));
        Assert.True(evaluated.RootElement.GetProperty("referenceLatencyMilliseconds").GetDouble() > 0);
        Assert.Equal(2, Harness.Command(["evaluate", folder["q.onnx"], .. common]).Code);
        // The run folder knows them, and refuses others.
        Succeed("export", "--run", folder["run"], "--budget", "4bit", "-o", folder["e.onnx"]);
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["e.onnx"]));
        Succeed("sweep", "--run", folder["run"], "--budgets", "3bit");
        Succeed("report", "--run", folder["run"]);
        Assert.Contains("--set scale=0.5,2", File.ReadAllText(folder["run/report.html"]), StringComparison.Ordinal);
        Succeed(["measure", model, .. common, "--set", "limit=4.0", "--set", "scale=0.50,2", "--run", folder["run"]]);
        var refused = Harness.Command(["measure", model, .. common, "--set", "scale=1", "--set", "limit=4", "--run", folder["run"]]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("set (there [\"limit=4\",\"scale=0.5,2\"], now [\"limit=4\",\"scale=1\"])",
            refused.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// Three layers on the image, and one on another input if wanted; boxes are scaled by that input, scores divided by a third.
    /// </summary>
    private static ModelProto Detector(bool freeBatch, bool layerOnScale = true)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w1", 24, 3, 3, 3);
        net.Weight("w2", 6, 24);
        net.Weight("w3", 4, 6);
        net.Then("Conv", "c1", ["w1"]).Then("Relu", "r1").Then("GlobalAveragePool", "p").Then("Flatten", "f");
        net.Then("Gemm", "g", ["w2"], NodeExtensions.Attribute("transB", 1)).Then("Relu", "h");
        if (layerOnScale)
        {
            net.Weight("w4", 6, 2);
            net.Add("Gemm", ["scale", "w4"], "e", NodeExtensions.Attribute("transB", 1)).Add("Add", ["h", "e"], "a");
        }
        net.Then("Gemm", "s", ["w3"], NodeExtensions.Attribute("transB", 1));
        net.Model.Graph.Initializer.Add(TensorData.Integers("first", [0], 1));
        net.Model.Graph.Initializer.Add(TensorData.Integers("second", [2], 1));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axis", [1], 1));
        net.Add("Slice", ["s", "first", "second", "axis"], "corner").Add("Mul", ["corner", "scale"], "boxes");
        net.Add("Cast", ["limit"], "divisor", NodeExtensions.Attribute("to", (int)DataType.Float)).Add("Div", ["s", "divisor"], "scores");
        net.Add("ArgMax", ["scores"], "class", NodeExtensions.Attribute("axis", 1));
        var model = net.Build("boxes", "scores", "class");
        model.Graph.Output[2].Type.TensorType.ElemType = (int)DataType.Int64;
        model.Graph.Input.Add(Input("scale", DataType.Float, null, 2));
        model.Graph.Input.Add(Input("limit", DataType.Int64));
        foreach (var input in freeBatch ? [] : model.Graph.Input.Take(2))
        {
            input.Type.TensorType.Shape.Dim[0] = new() { DimValue = 1 };
        }
        return model;
    }

    private static ValueInfoProto Input(string name, DataType type, params long?[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(dims.Select(d => d is { } size ? new TensorShapeProto.Types.Dimension { DimValue = size }
            : new() { DimParam = "M" }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = shape } } };
    }

    private static double[] Measure(Graph graph, ImageSet images)
    {
        using var records = new RecordStore();
        var work = new Workload(images, Preprocessing.Parse("unit"));
        var inputs = new MeasurementInputs(graph, Harness.Candidates(graph, 2, 4), work) { Scales = Harness.Scales(graph, images) };
        return SensitivityMeasurement.Measure(inputs, [], new SensitivityOptions { Estimator = "additive", Loss = "mse" }, records).Raw;
    }
}
