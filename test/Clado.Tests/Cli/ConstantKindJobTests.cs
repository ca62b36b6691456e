using System.Text.Json;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Every way of rounding, measuring and writing does with recurrent weights, tables, batches of matrices and equations.</summary>
public class ConstantKindJobTests
{
    private const string Job = "--preprocess unit --bits 3,8 --budget 5bit";

    [Theory]
    [InlineData("lstm", "--refine --activations 8")]
    [InlineData("bidirectional lstm", "--estimator pairwise --opset 21")]
    [InlineData("gru", "--inputs quantized --equalize")]
    [InlineData("last state", "--estimator additive --activations float")]
    [InlineData("rnn", "--estimator block --rounding gpfq --refine")]
    [InlineData("batch", "--refine --opset 21 --activations 8")]
    [InlineData("batch at the left", "--estimator pairwise --equalize")]
    [InlineData("batch in the middle", "--rounding gpfq --inputs quantized")]
    [InlineData("batch of one", "--estimator diagonal --refine")]
    [InlineData("table", "--measure-activations 8 --refine")]
    [InlineData("table of long rows", "--inputs quantized --opset 21")]
    [InlineData("relative positions", "--estimator pairwise --refine")]
    [InlineData("einsum", "--equalize --refine --activations 8")]
    [InlineData("einsum of heads", "--rounding nearest --opset 21")]
    public void TheWholeJobIsDone(string kind, string options)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(ConstantKinds.Of(kind, OpsetUpgrade.EarlierOpset).Build(), folder["m.onnx"]);
        string[] command =
        [
            "quantize", folder["m.onnx"], "--images", Harness.Images(folder, "images", 2), "--run", folder["run"],
            .. Job.Split(' '), .. options.Split(' '), "--json", "-o",
        ];
        using var json = Done([.. command, folder["q.onnx"]]);
        Assert.Equal(new FileInfo(folder["q.onnx"]).Length, json.RootElement.GetProperty("sizeBytes").GetInt64());
        var layers = LayerFinder.Find(Graph.Read(folder["m.onnx"])).Layers;
        var written = json.RootElement.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("name").GetString()!);
        Assert.Equal(layers.Select(l => l.Name), written);
        // What the run folder has is read: the same file comes of it.
        using var again = Done([.. command, folder["again.onnx"]]);
        Assert.Equal(File.ReadAllBytes(folder["q.onnx"]), File.ReadAllBytes(folder["again.onnx"]));
    }

    /// <summary>A recurrent node's weights are pinned by names of their own.</summary>
    [Fact]
    public void RecurrentWeightsHaveNames()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(ConstantKinds.Of("lstm").Build(), folder["m.onnx"]);
        using var json = Done([
            "quantize", folder["m.onnx"], "--images", Harness.Images(folder, "images", 1), "--run", folder["run"],
            .. Job.Split(' '), "--pin", "*.W=8", "--pin", "*.R=float", "--json", "-o", folder["q.onnx"]]);
        var bits = json.RootElement.GetProperty("layers").EnumerateArray()
            .ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("bits").GetInt32());
        Assert.Equal(8, bits["lstm_h.W"]);
        Assert.DoesNotContain("lstm_h.R", bits);
    }

    private static JsonDocument Done(string[] command)
    {
        var (code, output, error) = Harness.Command(command);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output);
    }
}
