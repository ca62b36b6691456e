using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Evaluation;

/// <summary>Networks of another precision through the whole job, and as the reference that a file is evaluated against.</summary>
public class OtherPrecisionTests
{
    [Theory]
    [InlineData("Float16", "8")]
    [InlineData("Float16", "float")]
    [InlineData("Bfloat16", "float")]
    [InlineData("Double", "8")]
    public void TheWholeJob(string precision, string activations)
    {
        using var folder = new TemporaryFolder();
        var type = Enum.Parse<DataType>(precision);
        var net = NetworkBuilder.SmallClassifier(classes: 8, side: 24);
        // Grids of activations are more than half of so small a network's weights.
        if ((precision, activations) == ("Float16", "8"))
        {
            net = new NetworkBuilder(1, input: [3, 24, 24]);
            net.Weight("w1", 24, 3, 3, 3);
            net.Weight("w2", 24, 24, 3, 3);
            net.Weight("w3", 8, 24);
            net.Then("Conv", "c1", ["w1"]).Then("Relu", "r1").Then("Conv", "c2", ["w2"]).Then("Relu", "r2")
                .Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "logits", ["w3"], NodeExtensions.Attribute("transB", 1));
        }
        OnnxFile.Write(OtherPrecision.Of(net.Build(), type), folder["m.onnx"]);
        var images = Harness.Images(folder, "images", 2);
        string[] common = ["--images", images, "--preprocess", "unit", "--json"];
        var (code, output, error) = Harness.Command(
            ["quantize", folder["m.onnx"], .. common, "--bits", "4,8", "--budget", "8bit", "--estimator", "diagonal",
                "--activations", activations, "--run", folder["run"], "-o", folder["q.onnx"]]);
        Assert.True(code == 0, error);
        using var made = JsonDocument.Parse(output);
        Assert.Equal(new FileInfo(folder["q.onnx"]).Length, made.RootElement.GetProperty("sizeBytes").GetInt64());
        Assert.InRange(new FileInfo(folder["q.onnx"]).Length, 1, new FileInfo(folder["m.onnx"]).Length);
        var written = OnnxFile.Read(folder["q.onnx"]);
        Assert.Equal((int)type, written.Graph.Input[0].Type.TensorType.ElemType);
        Assert.Equal((int)type, written.Graph.Output[0].Type.TensorType.ElemType);

        (code, output, error) = Harness.Command(
            ["evaluate", folder["q.onnx"], "--reference", folder["m.onnx"], .. common]);
        Assert.True(code == 0, error);
        using var evaluated = JsonDocument.Parse(output);
        Assert.InRange(evaluated.RootElement.GetProperty("agreement").GetDouble(), 0.8, 1);
        var notes = evaluated.RootElement.GetProperty("notes").EnumerateArray().Select(note => note.GetString()!).ToArray();
        // The runtime has half precision, and no convolution of the other two.
        Assert.Equal(type != DataType.Float16, notes.Any(note => note.Contains("runs as it was read", StringComparison.Ordinal)));
    }
}
