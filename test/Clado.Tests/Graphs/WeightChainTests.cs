using System.Runtime.InteropServices;
using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Graphs;

/// <summary>Weights in another form than they are multiplied by are weights: the network stays the same, and they are quantized.</summary>
public class WeightChainTests
{
    /// <summary>How the weight of a product is stored.</summary>
    public static TheoryData<string> Forms() =>
    [
        "cast", "cast of a bias", "cast and transpose", "dequantize", "dequantize by channel", "transpose", "reshape", "unsqueeze",
        "cast of a convolution", "dequantize a convolution", "batch of one", "batch of one at the left",
        "alpha and beta", "beta without bias",
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public void TheWeightIsQuantizedAndTheNetworkTheSame(string form)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        Add(net, form);
        var model = net.Build();
        var graph = Graph.FromModel(model, "test.onnx");
        var layer = Assert.Single(LayerFinder.Find(graph).Layers);
        Assert.Equal(1, graph.Nodes.Count(n => n.OpType is "Gemm" or "MatMul" or "Conv"));
        Assert.Equal(DataType.Float, (DataType)graph.Initializers[layer.Weight].DataType);
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Cast" or "DequantizeLinear");
        Assert.All(graph.Nodes, n => Assert.DoesNotContain(n.Attribute, a => a.Name is "alpha" or "beta"));
        var (expected, actual) = (Harness.Outputs(model), Harness.Outputs(graph.Model));
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-5f));
        // What is written of it is what the simulation computes.
        var candidates = Harness.Candidates(graph, 8);
        var written = ModelWriter.Build(graph, candidates.Items);
        Assert.All(
            Harness.Outputs(Harness.WithWeights(graph, candidates.Items)).Zip(Harness.Outputs(written)),
            p => Assert.Equal(p.First, p.Second, 1e-4f));
    }

    /// <summary>Where activations are rounded, weights are weights all the same: the file has integers in their place again.</summary>
    [Fact]
    public void WeightsOfANetworkThatRoundsActivationsAreWeights()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("scale", [0.1f]));
        net.Then("QuantizeLinear", "q", ["scale"]).Then("DequantizeLinear", "d", ["scale"]);
        net.Model.Graph.Node[^1].Input.Add(net.Model.Graph.Node[^2].Input.Skip(2));
        Add(net, "dequantize");
        var graph = net.BuildGraph();
        Assert.Equal("d", Assert.Single(graph.Nodes, n => n.Is("DequantizeLinear")).Output[0]);
        Assert.Single(LayerFinder.Find(graph).Layers);
    }

    /// <summary>An activation that is too short for the batch would lose a dimension.</summary>
    [Fact]
    public void ABatchOfOneThatAddsADimensionStays()
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Then("Flatten", "f").Then("MatMul", "y", [net.Weight("w", 1, 192, 4)]);
        var graph = net.BuildGraph();
        Assert.Equal(3, graph.Initializers["w"].Dims.Count);
        Assert.Equal(1, Assert.Single(LayerFinder.Find(graph).Layers).Matrices);
    }

    private static void Add(NetworkBuilder net, string form)
    {
        var half = Attribute("to", (long)DataType.Float);
        switch (form)
        {
            case "cast":
                Half(net, "w", 8, 4);
                net.Add("Cast", ["w"], "v", half).Add("MatMul", [Image(net), "v"], "y");
                break;
            case "cast of a bias":
                Half(net, "w", 192, 4);
                Half(net, "b", 4);
                net.Add("Flatten", [Image(net)], "f").Add("Cast", ["w"], "v", half).Add("Cast", ["b"], "c", half)
                    .Add("Gemm", ["f", "v", "c"], "y");
                break;
            case "cast and transpose":
                Half(net, "w", 4, 8);
                net.Add("Cast", ["w"], "v", half).Then("Transpose", "t", null, Attribute("perm", 1, 0));
                net.Add("MatMul", [Image(net), "t"], "y");
                break;
            case "dequantize":
                Codes(net, "w", [8, 4], 1);
                net.Add("DequantizeLinear", ["w", "w_s"], "v").Add("MatMul", [Image(net), "v"], "y");
                break;
            case "dequantize by channel":
                Codes(net, "w", [8, 4], 4);
                net.Add("DequantizeLinear", ["w", "w_s"], "v", Attribute("axis", 1)).Add("MatMul", [Image(net), "v"], "y");
                break;
            case "transpose":
                net.Weight("w", 4, 8);
                net.Add("Transpose", ["w"], "v", Attribute("perm", 1, 0)).Add("MatMul", [Image(net), "v"], "y");
                break;
            case "reshape":
                net.Weight("w", 32);
                net.Model.Graph.Initializer.Add(TensorData.Integers("shape", [8, 4], 2));
                net.Add("Reshape", ["w", "shape"], "v").Add("MatMul", [Image(net), "v"], "y");
                break;
            case "unsqueeze":
                net.Weight("w", 4, 3);
                net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [2, 3], 2));
                net.Add("Unsqueeze", ["w", "axes"], "v").Add("Conv", [Image(net), "v"], "y");
                break;
            case "cast of a convolution":
                Half(net, "w", 4, 3, 3, 3);
                net.Add("Cast", ["w"], "v", half).Add("Conv", [Image(net), "v"], "y");
                break;
            case "dequantize a convolution":
                Codes(net, "w", [4, 3, 3, 3], 4);
                net.Add("DequantizeLinear", ["w", "w_s"], "v", Attribute("axis", 0)).Add("Conv", [Image(net), "v"], "y");
                break;
            case "batch of one":
                net.Add("MatMul", [Image(net), net.Weight("w", 1, 1, 8, 4)], "y");
                break;
            case "batch of one at the left":
                net.Add("MatMul", [net.Weight("w", 1, 5, 8), Image(net)], "y");
                break;
            default:
                var alpha = new AttributeProto { Name = "alpha", Type = AttributeProto.Types.AttributeType.Float, F = 0.3f };
                var beta = new AttributeProto { Name = "beta", Type = AttributeProto.Types.AttributeType.Float, F = 1.7f };
                string[] bias = form == "alpha and beta" ? [net.Weight("b", 4)] : [];
                net.Add("Flatten", [Image(net)], "f").Then("Gemm", "y", [net.Weight("w", 192, 4), .. bias], alpha, beta);
                break;
        }
    }

    private static string Image(NetworkBuilder net) => net.Model.Graph.Node.Any(n => n.Output.Contains("d")) ? "d" : "x";

    /// <summary>A weight of half precision.</summary>
    private static void Half(NetworkBuilder net, string name, params long[] shape)
    {
        net.Weight(name, shape);
        var made = net.Model.Graph.Initializer[^1];
        Half[] values = Array.ConvertAll(TensorData.ReadSingles("", made), v => (Half)v);
        net.Model.Graph.Initializer[^1] = TensorData.Create(name, DataType.Float16, MemoryMarshal.AsBytes(values.AsSpan()), shape);
    }

    /// <summary>A weight of 8-bit codes, and its scales.</summary>
    private static void Codes(NetworkBuilder net, string name, long[] shape, int scales)
    {
        sbyte[] codes = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => (sbyte)((i * 37 % 251) - 125))];
        float[] values = [.. Enumerable.Range(1, scales).Select(i => 0.003f * i)];
        net.Model.Graph.Initializer.Add(TensorData.Create(name, DataType.Int8, MemoryMarshal.AsBytes(codes.AsSpan()), shape));
        net.Model.Graph.Initializer.Add(TensorData.Singles(name + "_s", values, scales == 1 ? [] : [scales]));
    }
}
