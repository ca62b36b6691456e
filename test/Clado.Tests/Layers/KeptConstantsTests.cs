using System.Text.Json;
using Clado.Activations;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Layers;

/// <summary>Nothing stays float silently: every constant of 256 bytes or more is listed, with its bytes.</summary>
public class KeptConstantsTests
{
    [Theory]
    [InlineData("lstm", "LSTM", "from 256 on", 4 * 5 * 8 * 4, 4 * 5 * 5 * 4)]
    [InlineData("einsum", "Einsum", "no product with a matrix", 8 * 9 * 4)]
    [InlineData("gather", "Gather", "single numbers", 80 * 4)]
    [InlineData("add", "Add", "only factors", 192 * 4)]
    [InlineData("norm", "LayerNormalization", "parameters of a normalization", 192 * 4, 192 * 4)]
    [InlineData("bias", "Conv", "32 bits", 70 * 4)]
    [InlineData("custom", "com.microsoft.FusedConv", "not looked into", 4 * 27 * 4)]
    [InlineData("body", "Mul", "in the body of If", 192 * 4)]
    [InlineData("node in a body", "Mul", "in the body of If", 192 * 4)]
    [InlineData("around a body", "Mul", "in the body of If", 192 * 4)]
    public void ConstantsAreListedWithTheirBytes(string what, string op, string reason, params int[] bytes)
    {
        var graph = Network(what).BuildGraph();
        var layers = LayerFinder.Find(graph);
        var kept = layers.Kept.Where(k => k.Bytes > 0).ToArray();
        Assert.Equal(bytes.Select(b => (long)b), kept.Select(k => k.Bytes));
        Assert.All(kept, k => Assert.Equal(op, k.Op));
        Assert.All(kept, k => Assert.Contains(reason, k.Reason, StringComparison.Ordinal));
        Assert.All(kept, k => Assert.NotEqual("", k.Constant));
        // Every constant of that size is a layer's weight or listed, and none is both.
        long quantized = layers.Layers.Select(l => l.Parameters * sizeof(float)).Where(size => size >= 256).Sum();
        Assert.Equal(LargeFloats(graph.Model.Graph), layers.Kept.Sum(k => k.Bytes) + quantized);
    }

    [Fact]
    public void PinnedLayersAreListedWithTheirBytes()
    {
        var found = LayerFinder.Find(NetworkBuilder.SmallClassifier().BuildGraph());
        var (pinned, _) = Pins.Apply(found, [4, 8], ["conv_c2=float"]);
        Assert.Equal(found.Kept.Sum(k => k.Bytes) + (8 * 8 * 9 * sizeof(float)), pinned.Kept.Sum(k => k.Bytes));
    }

    /// <summary>A bias that is written as integers does not stay float; one that somebody else reads does.</summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 70 * sizeof(float))]
    public void BiasesThatBecomeIntegersAreNotListed(bool isShared, long bytes)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Then("Conv", "c", [net.Weight("f", 70, 3, 1, 1), net.Weight("b", 70)]).Then("GlobalAveragePool", "p").Then("Flatten", "flat");
        if (isShared)
        {
            net.Then("Add", "shifted", ["b"]);
        }
        var graph = net.Then("Gemm", "logits", [net.Weight("end", 70, 8)]).BuildGraph();
        var found = LayerFinder.Find(graph);
        Assert.Equal(70 * sizeof(float), found.Kept.Sum(k => k.Bytes));
        Assert.Equal(bytes, ActivationPlan.Of(graph, found.Layers).Written(graph, found).Kept.Sum(k => k.Bytes));
    }

    [Fact]
    public void TheCommandLineSaysWhereTheBytesAre()
    {
        using var folder = new TemporaryFolder();
        var net = Network("lstm");
        var images = Harness.Images(folder, "set", 2);
        OnnxFile.Write(net.Build(), folder["lstm.onnx"]);
        var (code, output, _) = Harness.Command("inspect", folder["lstm.onnx"]);
        Assert.Equal(0, code);
        const string Kept = "kept as float: 1 × LSTM, weights of this kind are quantized from 256 on, 1,040 bytes";
        Assert.Contains(Kept, output, StringComparison.Ordinal);
        Assert.Contains("constants that stay float: 1,040 bytes, ", output, StringComparison.Ordinal);

        using var json = JsonDocument.Parse(Harness.Command("inspect", folder["lstm.onnx"], "--json").Output);
        Assert.Equal(1040, json.RootElement.GetProperty("keptBytes").GetInt64());
        Assert.Equal(
            ["w", "r"],
            json.RootElement.GetProperty("kept").EnumerateArray().Where(k => k.GetProperty("bytes").GetInt64() > 0)
                .Select(k => k.GetProperty("constant").GetString()!));

        var refused = Harness.Command(
            "quantize", folder["lstm.onnx"], "--images", images, "--preprocess", "unit", "--budget", "1KiB", "--run", folder["run"]);
        Assert.True(refused.Code == 1, refused.Error);
        Assert.Contains("1,040 bytes of it are constants that stay float", refused.Error, StringComparison.Ordinal);
        Assert.Contains("'w' of LSTM 'lstm_h' (640 bytes)", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>A network with one layer and something that stays float.</summary>
    private static NetworkBuilder Network(string what)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        if (what == "custom")
        {
            net.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
            net.Then("FusedConv", "c", [net.Weight("f", 4, 3, 3, 3)], Attribute("activation", "Relu"));
            net.Model.Graph.Node[^1].Domain = "com.microsoft";
        }
        else if (what == "bias")
        {
            net.Then("Conv", "c", [net.Weight("f", 70, 3, 1, 1), net.Weight("b", 70)]);
        }
        else
        {
            Keep(net, what);
        }
        long inputs = what switch { "custom" => 4 * 36, "bias" => 70 * 64, "lstm" => 24 * 5, "einsum" => 24 * 8, "gather" => 2, _ => 192 };
        return net.Then("Flatten", "flat").Then("Gemm", "logits", [net.Weight("end", inputs, 8)]);
    }

    private static void Keep(NetworkBuilder net, string what)
    {
        var graph = net.Model.Graph;
        switch (what)
        {
            case "lstm":
                net.Then("Reshape", "steps", ["sequence"])
                    .Then("LSTM", "h", [net.Weight("w", 1, 20, 8), net.Weight("r", 1, 20, 5)], Attribute("hidden_size", 5))
                    .Then("Transpose", "images", null, Attribute("perm", 2, 0, 1, 3));
                graph.Initializer.Add(TensorData.Integers("sequence", [24, -1, 8], 3));
                break;
            case "einsum":
                net.Then("Einsum", "e", [net.Weight("w", 8, 9)], Attribute("equation", "nchw,wd->nchw"));
                break;
            case "gather":
                net.Then("ArgMax", "at", null, Attribute("axis", 3)).Add("Gather", [net.Weight("table", 80), "at"], "g")
                    .Then("ReduceMax", "m", ["axis"], Attribute("keepdims", 0));
                graph.Initializer.Add(TensorData.Integers("axis", [1], 1));
                net.Then("Slice", "s", ["starts", "ends", "axes"]);
                graph.Initializer.Add(TensorData.Integers("starts", [0], 1));
                graph.Initializer.Add(TensorData.Integers("ends", [2], 1));
                graph.Initializer.Add(TensorData.Integers("axes", [1], 1));
                net.Then("Flatten", "few");
                break;
            case "add":
                net.Then("Add", "a", [net.Weight("w", 3, 8, 8)]);
                break;
            case "norm":
                net.Then("LayerNormalization", "n", [net.Weight("w", 3, 8, 8), net.Weight("b", 3, 8, 8)], Attribute("axis", 1));
                break;
            default:
                net.Then("If", "i", null, Branch("then_branch", what, net), Branch("else_branch", "none", net));
                graph.Node[^1].Input[0] = "condition";
                graph.Initializer.Add(TensorData.Create("condition", DataType.Bool, [1]));
                break;
        }
    }

    private static AttributeProto Branch(string name, string what, NetworkBuilder net)
    {
        var body = new GraphProto { Name = name };
        var constant = TensorData.Singles("m", [.. Enumerable.Repeat(0.5f, 192)], 3, 8, 8);
        if (what == "none")
        {
            body.Node.Add(Node("Neg", ["x"], name + "_y"));
        }
        else
        {
            body.Node.Add(Node("Mul", ["x", "m"], name + "_y"));
        }
        if (what == "body")
        {
            body.Initializer.Add(constant);
        }
        else if (what == "node in a body")
        {
            var value = new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = constant };
            body.Node.Insert(0, Node("Constant", [], "m", value));
        }
        else if (what == "around a body")
        {
            net.Model.Graph.Initializer.Add(constant);
        }
        var type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } };
        body.Output.Add(new ValueInfoProto { Name = name + "_y", Type = type });
        return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = body };
    }

    private static long LargeFloats(GraphProto graph)
    {
        var inNodes = graph.Node.SelectMany(n => n.Attribute).Where(a => a.T is not null).Select(a => a.T);
        return graph.Initializer.Concat(inNodes).Where(t => (DataType)t.DataType == DataType.Float)
            .Sum(t => TensorData.SizeBytes("", t) is >= 256 and var bytes ? bytes : 0)
            + graph.Node.SelectMany(GraphWalk.Bodies).Sum(LargeFloats);
    }
}
