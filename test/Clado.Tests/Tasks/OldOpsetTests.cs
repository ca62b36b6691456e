using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Tasks;

/// <summary>Scores are read in the file itself, whatever raising it to today's operators puts in front of them.</summary>
public class OldOpsetTests
{
    [Fact]
    public void ASoftmaxThatFlattensIsReadBeforeIt()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(opset: 11, input: [3, 24, 24]);
        net.Weight("w", 10, 3, 3, 3);
        OnnxFile.Write(net.Then("Conv", "c", ["w"]).Then("GlobalAveragePool", "v").Then("Softmax", "y").Build(), folder["net.onnx"]);
        var graph = Graph.Read(folder["net.onnx"]);
        var readout = Readout.Of(graph);
        Assert.Equal(NetworkTask.Classify, readout.Task);
        Assert.NotEqual(["v"], readout.Outputs);
        Assert.Equal(["v"], readout.In(graph, OnnxFile.Read(folder["net.onnx"])).Outputs);
        string images = Harness.Images(folder, "set", 1);
        var (code, output, error) = Harness.Command("evaluate", folder["net.onnx"], "--images", images, "--preprocess", "unit", "--json");
        Assert.True(code == 0, error);
        Assert.Contains("\"task\":\"classify\"", output.Replace(" ", ""), StringComparison.Ordinal);
    }
}
