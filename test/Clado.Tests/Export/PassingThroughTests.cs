using System.Text.Json;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Export;

/// <summary>
/// What real files carry beside standard operators, through the whole job: it is
/// in the written file, and that runs as its simulation says.
/// </summary>
public class PassingThroughTests
{
    private const string Mine = "mine";

    [Theory]
    [InlineData("8", "25")]
    [InlineData("8", "21")]
    [InlineData("float", "25")]
    [InlineData("float", "21")]
    public void OperatorsOfOtherDomains(string activations, string opset)
    {
        using var folder = new TemporaryFolder();
        var written = Quantized(folder, Network(17, contributed: true, function: true), activations, opset);
        Assert.Contains(written.Graph.Node, n => n is { OpType: "Trilu", Domain: "com.microsoft" });
        Assert.Contains(written.Graph.Node, n => n is { OpType: "Scaled", Domain: Mine });
        Assert.Contains(written.Functions, f => f is { Name: "Scaled", Domain: Mine });
        Assert.Equal(["", "clado", "com.microsoft", Mine], written.OpsetImport.Select(o => o.Domain).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void StandardOperatorsUnderTheirLongName()
    {
        using var folder = new TemporaryFolder();
        var model = Network(17);
        model.OpsetImport[0].Domain = "ai.onnx";
        foreach (var node in model.Graph.Node)
        {
            node.Domain = "ai.onnx";
        }
        var written = Quantized(folder, model, "8", "25");
        Assert.Equal(7, written.Functions.First(f => f.Name == "A").Node.Count + written.Functions.First(f => f.Name == "B").Node.Count);
    }

    /// <summary>Until IR version 4 every initializer had to be listed among the inputs; exporters kept doing so.</summary>
    [Theory]
    [InlineData(3, 7, "8")]
    [InlineData(3, 8, "8")]
    [InlineData(3, 8, "float")]
    [InlineData(4, 9, "8")]
    [InlineData(6, 11, "8")]
    [InlineData(8, 17, "8")]
    public void InitializersAmongTheInputs(int version, int opset, string activations)
    {
        using var folder = new TemporaryFolder();
        var model = Network(opset);
        model.IrVersion = version;
        // In front of the image: its place says nothing.
        foreach (var tensor in model.Graph.Initializer)
        {
            var shape = new TensorShapeProto();
            shape.Dim.Add(tensor.Dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
            var type = new TypeProto { TensorType = new() { ElemType = tensor.DataType, Shape = shape } };
            model.Graph.Input.Insert(0, new ValueInfoProto { Name = tensor.Name, Type = type });
        }
        var written = Quantized(folder, model, activations, "25");
        Assert.Equal("x", Assert.Single(written.Graph.Input).Name);
        Assert.DoesNotContain(written.Graph.Initializer, t => model.Graph.Initializer.Any(w => w.Name == t.Name && w.Dims.Count == 4));
    }

    /// <summary>A written file, some of its layers still float, quantized again: its functions are there already.</summary>
    [Fact]
    public void FunctionsOfAnEarlierJob()
    {
        using var folder = new TemporaryFolder();
        Quantized(folder, Network(17), "float", "25", "--pin", "conv_c2=float");
        var twice = Quantized(folder, OnnxFile.Read(folder["q.onnx"]), "float", "25");
        Assert.Equal(twice.Functions.Select(f => f.Name).Distinct(), twice.Functions.Select(f => f.Name));
        Assert.DoesNotContain(twice.Graph.Initializer, t => t.Name == "w2");

        var other = OnnxFile.Read(folder["q.onnx"]);
        other.Functions.First(f => f.Name == "U4" || f.Name == "U7").Node[^1].Name = "changed";
        var error = Assert.Throws<CladoException>(() => UnpackingFunctions.AddTo(other, [4, 7]));
        Assert.Contains("of its own", error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Quantizes through the command line; what is written agrees with its simulation and keeps to the byte it was predicted.
    /// </summary>
    private static ModelProto Quantized(TemporaryFolder folder, ModelProto model, string activations, string opset, params string[] more)
    {
        File.WriteAllBytes(folder["m.onnx"], model.ToByteArray());
        var images = Harness.Images(folder, "images", 2);
        var (code, output, error) = Harness.Command(
            ["quantize", folder["m.onnx"], "--images", images, "--preprocess", "unit",
                "--bits", "4,7", "--budget", "6bit", "--estimator", "diagonal",
                "--activations", activations, "--opset", opset, "--run", folder[$"run-{Guid.NewGuid()}"],
                "-o", folder["q.onnx"], "--json", .. more]);
        Assert.True(code == 0, error);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(new FileInfo(folder["q.onnx"]).Length, json.RootElement.GetProperty("sizeBytes").GetInt64());
        var parity = json.RootElement.GetProperty("parity");
        Assert.InRange(parity.GetProperty("largestDifference").GetDouble(), 0, activations == "float" ? 0 : 0.2);
        Assert.InRange(parity.GetProperty("agreement").GetDouble(), 0.9, 1);
        return OnnxFile.Read(folder["q.onnx"]);
    }

    /// <summary>Two convolutions and a classifier; between them an operator of the runtime's own and a function of the model's.</summary>
    private static ModelProto Network(int opset, bool contributed = false, bool function = false)
    {
        var net = new NetworkBuilder(opset: opset);
        net.Weight("w1", 12, 3, 3, 3);
        net.Weight("w2", 12, 12, 3, 3);
        net.Weight("w3", 12, 8);
        net.Weight("b3", 8);
        net.Then("Conv", "c1", ["w1"]);
        if (contributed)
        {
            net.Then("Trilu", "g").Model.Graph.Node[^1].Domain = "com.microsoft";
            net.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        }
        net.Then("Relu", "r").Then("Conv", "c2", ["w2"]);
        if (function)
        {
            net.Then("Scaled", "s", null, Attribute("axis", 1)).Model.Graph.Node[^1].Domain = Mine;
            net.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = Mine, Version = 1 });
            var scaled = new FunctionProto { Name = "Scaled", Domain = Mine };
            scaled.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
            scaled.Input.Add("a");
            scaled.Output.Add("b");
            scaled.Attribute.Add("axis");
            scaled.Node.Add(Node("Softmax", ["a"], "t",
                new AttributeProto { Name = "axis", RefAttrName = "axis", Type = AttributeProto.Types.AttributeType.Int }));
            scaled.Node.Add(Node("Mul", ["a", "t"], "b"));
            net.Model.Functions.Add(scaled);
        }
        return net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "y", ["w3", "b3"]).Build();
    }
}
