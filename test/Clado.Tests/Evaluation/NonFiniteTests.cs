using Clado.Evaluation;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>
/// Outputs that are no numbers are refused by every command that looks at outputs, with the output, the image and the model named.
/// </summary>
public class NonFiniteTests
{
    // What a black image makes of the mean brightness m: m / m is NaN, 1 / m infinite, -1 / m minus infinity.
    public static TheoryData<string, string> Faults => new()
    {
        { "m", "is NaN in 8 of 8 values" },
        { "one", "is infinite in 8 of 8 values" },
        { "minus", "is minus infinity in 8 of 8 values" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void TheFloatModelsAreRefused(string numerator, string fault)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Broken(numerator).Build(), folder["net.onnx"]);
        Images(folder);
        foreach (string loss in (string[])["kl", "mse"])
        {
            foreach (string rounding in (string[])["nearest", "feedback"])
            {
                string[] measuring =
                [
                    folder["net.onnx"], "--images", folder["set"], "--preprocess", "unit", "--loss", loss, "--rounding", rounding,
                    "--run", folder[$"run-{loss}-{rounding}"],
                ];
                Refused(folder, fault, "(the float model)", ["measure", .. measuring]);
                string[] quantize = ["quantize", .. measuring, "--budget", "3bit", "-o", folder["out.onnx"], "--json"];
                Refused(folder, fault, "(the float model)", quantize);
                Assert.False(File.Exists(folder["out.onnx"]));
            }
        }
        string[] evaluate = ["evaluate", folder["net.onnx"], "--images", folder["set"], "--preprocess", "unit"];
        Refused(folder, fault, "(the float model)", evaluate);
        Refused(folder, fault, "(the float model)", [.. evaluate, "--json", "--latency"]);
        Refused(folder, fault, "(the float model)", [.. evaluate, "--json", "--reference", folder["net.onnx"]]);
    }

    [Fact]
    public void ASweepOnOtherImagesIsRefused()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(Broken("m").Build(), folder["net.onnx"]);
        Images(folder);
        Harness.Images(folder, "bright", 2);
        File.Delete(folder["bright/0/000.png"]);
        string[] measure = ["measure", folder["net.onnx"], "--images", folder["bright"], "--preprocess", "unit", "--rounding", "nearest"];
        var (code, _, error) = Harness.Command([.. measure, "--run", folder["run"]]);
        Assert.True(code == 0, error);
        Refused(
            folder, "is NaN in 8 of 8 values", "(the float model)",
            "sweep", "--run", folder["run"], "--budgets", "3bit", "--evaluate", folder["set"], "--json");
    }

    [Fact]
    public void QuantizedModelsAreRefusedWhereTheFloatOneIsNot()
    {
        using var folder = new TemporaryFolder();
        // A small weight beside large ones divides: at two bits it is zero, at eight it is not.
        OnnxFile.Write(Divided().Build(), folder["net.onnx"]);
        Images(folder);
        string[] measuring = [folder["net.onnx"], "--images", folder["set"], "--preprocess", "unit", "--rounding", "nearest"];
        var (code, _, error) = Harness.Command(["measure", .. measuring, "--bits", "2,8", "--run", folder["narrow"]]);
        Assert.Equal(2, code);
        Assert.Contains("net.onnx ('matmul_d' at 2 bits quantized): output 'y' is infinite", error, StringComparison.Ordinal);
        Assert.Contains("for the image " + folder["set"], error, StringComparison.Ordinal);
        Assert.Contains("--pin", error, StringComparison.Ordinal);

        // Evaluated against the float model, and alone.
        var graph = Clado.Graphs.Graph.Read(folder["net.onnx"]);
        OnnxFile.Write(Clado.Export.ModelWriter.Build(graph, Harness.Candidates(graph, 2).Uniform(2), null), folder["two.onnx"]);
        string[] evaluate = ["evaluate", folder["two.onnx"], "--images", folder["set"], "--preprocess", "unit"];
        foreach (string[] more in (string[][])[[], ["--json"], ["--json", "--reference", folder["net.onnx"]]])
        {
            (code, _, error) = Harness.Command([.. evaluate, .. more]);
            Assert.Equal(2, code);
            Assert.Contains("two.onnx (a quantized model): output 'y' is infinite", error, StringComparison.Ordinal);
        }
        string[] wide = ["--bits", "8", "--run", folder["wide"], "--budget", "8bit", "-o", folder["out.onnx"], "--activations", "float"];
        Assert.Equal(0, Harness.Command(["quantize", .. measuring, .. wide, "--json"]).Code);

        // The comparison with the simulation reads outputs, too.
        var work = new Workload(ImageFolder.Open(folder["set"]), Preprocessing.Parse("unit"))
        {
            Cancellation = TestContext.Current.CancellationToken,
        };
        var broken = Assert.ThrowsAny<Exception>(() => ParityCheck.Run(
            graph, new(OnnxFile.Read(folder["two.onnx"]), folder["two.onnx"], Harness.Candidates(graph, 2).Items, null), null,
            ParityInputs.Of(graph, work)));
        Assert.Contains("output 'y' is infinite", broken.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A branch may be of another size, which is seen when it is taken.</summary>
    [Fact]
    public void AnOutputWhoseSizeDependsOnTheImageIsRefused()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [3, 24, 24]);
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = 1;
        net.Weight("w", 4, 3, 3, 3);
        net.Model.Graph.Initializer.Add(TensorData.Singles("half", [0.5f]));
        static AttributeProto Branch(string name, NodeProto node)
        {
            var body = new GraphProto { Name = name };
            body.Node.Add(node);
            body.Output.Add(new ValueInfoProto { Name = node.Output[0], Type = new() { TensorType = new() { ElemType = 1 } } });
            return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = body };
        }
        // Half of the pixels of what is bright; the image that shapes are found with is dark.
        var smaller = NodeExtensions.Node("MaxPool", ["c"], "pooled", NodeExtensions.Attribute("kernel_shape", 2, 2));
        var same = NodeExtensions.Node("Identity", ["c"], "same");
        net.Then("Conv", "c", ["w"]).Add("ReduceMax", ["x"], "brightest", NodeExtensions.Attribute("keepdims", 0))
            .Then("Less", "dark", ["half"]).Add("If", ["dark"], "y", Branch("then_branch", same), Branch("else_branch", smaller));
        OnnxFile.Write(net.Build("y"), folder["net.onnx"]);
        Images(folder);
        string[] measure = ["measure", folder["net.onnx"], "--images", folder["set"], "--preprocess", "unit", "--run", folder["run"]];
        var (code, _, error) = Harness.Command(measure);
        Assert.Equal(2, code);
        Assert.Contains("output 'y' has", error, StringComparison.Ordinal);
        Assert.Contains("its size depends on the image", error, StringComparison.Ordinal);
    }

    /// <summary>Runs a command that must stop at the black image.</summary>
    private static void Refused(TemporaryFolder folder, string fault, string model, params string[] command)
    {
        var (code, output, error) = Harness.Command(command);
        Assert.True(code == 2, $"{string.Join(' ', command)}: exit code {code}, {output}{error}");
        Assert.Contains($"{model}: output 'y' {fault} for the image {folder["set/0/black.png"]}; ", error, StringComparison.Ordinal);
    }

    private static void Images(TemporaryFolder folder)
    {
        Harness.Images(folder, "set", 2);
        Harness.Png(folder["set/0/black.png"], 24, 24, SKColors.Black);
    }

    /// <summary>A classifier whose logits get a quotient added, less what it is for any image that is not black.</summary>
    private static NetworkBuilder Broken(string numerator)
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        net.Model.Graph.Initializer.Add(TensorData.Singles("one", [1], 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("minus", [-1], 1));
        net.Model.Graph.Initializer.Add(TensorData.Integers("pixels", [1, 2, 3], 3));
        net.Add("ReduceMean", ["x", "pixels"], "mean").Then("Flatten", "m");
        return net.Add("Div", [numerator, "m"], "q").Add("Add", ["logits", "q"], "y");
    }

    /// <summary>Logits divided by a product in which only one small weight counts.</summary>
    private static NetworkBuilder Divided()
    {
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        // Of the features only the first is not zero, and its weight is a hundredth of the others.
        net.Model.Graph.Initializer.Add(TensorData.Singles("dw", [0.01f, 1, 1, 1, 1, 1, 1, 1], 8, 1));
        net.Model.Graph.Initializer.Add(TensorData.Singles("mask", [1, 0, 0, 0, 0, 0, 0, 0], 1, 8));
        net.Model.Graph.Initializer.Add(TensorData.Singles("nought", [0], 1));
        net.Then("Mul", "zero", ["nought"]).Then("Add", "features", ["mask"]).Then("MatMul", "d", ["dw"]);
        return net.Add("Div", ["logits", "d"], "y");
    }
}
