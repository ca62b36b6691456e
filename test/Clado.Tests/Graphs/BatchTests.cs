using System.Text.Json;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Graphs;

/// <summary>Networks whose file leaves the batch free, but which do not keep images apart: they run on one at a time.</summary>
public class BatchTests
{
    public static TheoryData<string> Mixing => ["flattened", "scrambled", "steps first", "mean", "constant"];

    [Theory]
    [MemberData(nameof(Mixing))]
    public void ImagesThatWouldMixRunOneByOne(string kind)
    {
        using var folder = new TemporaryFolder();
        var images = Harness.Images(folder, "set", 2);
        foreach (bool isFree in (bool[])[true, false])
        {
            var model = Network(kind);
            if (!isFree)
            {
                model.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new() { DimValue = 1 };
            }
            var graph = Graph.FromModel(model, "m.onnx");
            Assert.False(graph.HasFreeBatch);
            Assert.Equal(isFree, graph.InputShape.Notes.Any(note => note.Contains("one at a time", StringComparison.Ordinal)));
            OnnxFile.Write(model, folder[isFree ? "free.onnx" : "fixed.onnx"]);
        }
        // Measured and written like the one whose batch is fixed.
        var (free, settled) = (Quantize(folder, "free", images), Quantize(folder, "fixed", images));
        Assert.Equal(Bits(settled), Bits(free));
        Assert.Equal(settled.GetProperty("measuredLoss").GetDouble(), free.GetProperty("measuredLoss").GetDouble());
        Assert.True(free.GetProperty("measuredLoss").GetDouble() >= 0);
        Assert.Equal("N", OnnxFile.Read(folder["free-q.onnx"]).Graph.Input[0].Type.TensorType.Shape.Dim[0].DimParam);
    }

    [Fact]
    public void ImagesThatStayApartRunTogether()
    {
        Assert.True(NetworkBuilder.SmallClassifier().BuildGraph().HasFreeBatch);
        // Who wants them one by one may say so, and the run remembers it.
        var graph = Graph.FromModel(NetworkBuilder.SmallClassifier().Build(), "m.onnx", InputOptions.Parse(null, [], shape: "1,3,8,8"));
        Assert.False(graph.HasFreeBatch);
        Assert.Equal("1,3,8,8", graph.InputShape.Setting);
    }

    private static string Bits(JsonElement result) => result.GetProperty("layers").ToString();

    private static JsonElement Quantize(TemporaryFolder folder, string name, string images)
    {
        var (code, output, error) = Harness.Command([
            "quantize", folder[$"{name}.onnx"], "--images", images, "--preprocess", "unit", "--budget", "4bit",
            "--run", folder[$"{name}-run"], "-o", folder[$"{name}-q.onnx"], "--json"]);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static ModelProto Network(string kind)
    {
        var net = new NetworkBuilder();
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8);
        net.Weight("wide", 288, 8);
        void Shape(params long[] dims) => net.Model.Graph.Initializer.Add(TensorData.Integers("shape", dims, dims.Length));
        net.Then("Conv", "c", ["w1"]).Then("Relu", "r");
        switch (kind)
        {
            // Stops on two images.
            case "flattened":
                Shape(1, -1);
                return net.Then("Reshape", "f", ["shape"]).Then("MatMul", "y", ["wide"]).Build();
            // Runs on two, with the values of both in each: only looking at values tells.
            case "scrambled":
                Shape(1, 8, -1);
                net.Model.Graph.Initializer.Add(TensorData.Integers("back", [-1, 36, 8], 3));
                return net.Then("Reshape", "f", ["shape"]).Then("Transpose", "t", null, Attribute("perm", 0, 2, 1))
                    .Then("Reshape", "b", ["back"]).Then("MatMul", "y", ["w2"]).Build();
            case "steps first":
                Shape(0, 8, -1);
                return net.Then("Reshape", "f", ["shape"]).Then("Transpose", "t", null, Attribute("perm", 2, 0, 1))
                    .Then("MatMul", "y", ["w2"]).Build();
            case "mean":
                return net.Then("ReduceMean", "y", null, Attribute("keepdims", 0)).Build();
            default:
                net.Model.Graph.Initializer.Add(TensorData.Singles("anchors", [1, 2, 3, 4], 1, 4));
                net.Then("Shape", "s", null, Attribute("start", 1), Attribute("end", 2))
                    .Then("Cast", "float", null, Attribute("to", 1)).Then("Mul", "priors", ["anchors"]);
                return net.Add("Flatten", ["r"], "f").Then("MatMul", "y", ["wide"]).Build("y", "priors");
        }
    }
}
