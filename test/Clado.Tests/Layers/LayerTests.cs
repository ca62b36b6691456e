using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Layers;

public class LayerTests
{
    [Fact]
    public void EveryKindIsFoundWithItsCosts()
    {
        var layers = LayerFinder.Find(AllKinds()).Layers.ToDictionary(l => l.Weight);
        void Check(string weight, string op, int axis, long groups, long macs)
        {
            var layer = layers[weight];
            Assert.Equal((op, axis, groups, macs), (layer.Op, layer.ChannelAxis, layer.Groups, layer.Macs));
        }

        Check("grouped", "Conv", 0, 2, 8 * 8 * 8 * (2 * 9));        // 8×8 positions, 8 channels of 2·3·3 weights
        Check("dilated", "Conv", 0, 1, 6 * 5 * 7 * (8 * 6));        // asymmetric pads: 5×7 positions, 6 channels of 8·2·3 weights
        Check("transposed", "ConvTranspose", 1, 1, 5 * 7 * 6 * (3 * 4)); // every input element is spread over 3·2·2 weights
        Check("right", "MatMul", 1, 1, 3 * 10 * 14 * 9);            // 30 rows of 14 inputs, 9 outputs
        Check("left", "MatMul", 0, 1, 3 * 4 * 10 * 9);              // 3 images' planes of 4×10 by 10×9
        Check("gemm", "Gemm", 1, 1, 108 * 7);
        Check("gemmT", "Gemm", 0, 1, 7 * 5);
        Assert.Equal(7, layers.Count);
    }

    [Fact]
    public void SharedWeightsAreOneLayer()
    {
        var net = new NetworkBuilder();
        net.Weight("w", 3, 3, 1, 1);
        var graph = net.Then("Conv", "a", ["w"]).Then("Relu", "r").Then("Conv", "b", ["w"]).BuildGraph();
        var layer = Assert.Single(LayerFinder.Find(graph).Layers);
        Assert.Equal([0, 2], layer.Nodes);
        Assert.Equal(2 * 9 * 64, layer.Macs);
    }

    [Fact]
    public void WhatStaysFloatIsSaidWithTheReason()
    {
        var net = new NetworkBuilder(input: [4, 4]);
        net.Weight("v", 4);
        var graph = net.Add("MatMul", ["x", "x"], "xx").Add("MatMul", ["xx", "v"], "y").BuildGraph();
        var found = LayerFinder.Find(graph);
        Assert.Empty(found.Layers);
        Assert.Equal(["no constant factor (both are activations)", "the weight has shape [4]: a vector is kept"],
            found.Kept.Select(k => k.Reason));
    }

    [Fact]
    public void WeightsOfAWrittenFileAreLayersAgain()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 3).Items;
        var again = Graph.FromModel(ModelWriter.Build(graph, candidates), "m.onnx");
        var found = LayerFinder.Find(again);
        Assert.Equal(LayerFinder.Find(graph).Layers.Select(l => (l.Name, l.Parameters)), found.Layers.Select(l => (l.Name, l.Parameters)));
        Assert.All(found.Layers.Zip(candidates), one => Assert.Equal(
            one.Second.Dequantize(), TensorData.ReadSingles(again.File, again.Initializers[one.First.Weight])));
    }

    [Fact]
    public void PinsKeepLayersAndWidthsAndNameWhatTheyMiss()
    {
        var found = LayerFinder.Find(NetworkBuilder.SmallClassifier().BuildGraph());
        var (layers, widths) = Pins.Apply(found, [2, 4, 8], ["conv_*=4", "conv_c1=float", "gemm*=8"]);
        Assert.Equal(["conv_c2", "conv_c3", "conv_c4", "gemm_logits"], layers.Layers.Select(l => l.Name));
        Assert.Equal([[4], [4], [4], [8]], widths);
        Assert.Equal("pinned to float", Assert.Single(layers.Kept).Reason);
        Assert.Contains("no layer is called that", Assert.Throws<CladoException>(() => Pins.Apply(found, [2], ["nope=4"])).Message,
            StringComparison.Ordinal);
        Assert.Throws<CladoException>(() => Pins.Apply(found, [2], ["conv_c1=9"]));
        Assert.Throws<CladoException>(() => Pins.Apply(found, [2], ["*=float"]));
    }

    [Fact]
    public void BlocksEndWhereOneTensorLives()
    {
        // conv1 | conv2 with the skip around it | depthwise | pointwise | head: only conv2 has company in its block, the Add.
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        int[] blocks = Blocks.Of(graph, LayerFinder.Find(graph).Layers);
        Assert.Equal(5, blocks.Distinct().Count());
        var residual = new NetworkBuilder();
        foreach (var name in (string[])["s", "a", "b", "c", "d"])
        {
            residual.Weight(name, 3, 3, 1, 1);
        }
        residual.Then("Conv", "y0", ["s"]).Then("Conv", "y1", ["a"]).Then("Relu", "r1")
            .Then("Conv", "y2", ["b"]).Add("Add", ["y2", "y0"], "z1");
        residual.Then("Conv", "y3", ["c"]).Then("Conv", "y4", ["d"]).Add("Add", ["y4", "z1"], "z2");
        graph = residual.BuildGraph();
        int[] found = Blocks.Of(graph, LayerFinder.Find(graph).Layers);
        Assert.NotEqual(found[0], found[1]);
        Assert.Equal(found[1], found[2]);
        Assert.NotEqual(found[2], found[3]);
        Assert.Equal(found[3], found[4]);
    }

    /// <summary>Grouped, dilated with asymmetric pads, transposed, MatMul from both sides, Gemm both ways.</summary>
    internal static Graph AllKinds()
    {
        var net = new NetworkBuilder(input: [4, 8, 8]);
        net.Weight("grouped", 8, 2, 3, 3);
        net.Weight("dilated", 6, 8, 2, 3);
        net.Weight("transposed", 6, 3, 2, 2);
        net.Weight("right", 14, 9);
        net.Weight("left", 4, 10);
        net.Weight("gemm", 108, 7);
        net.Weight("gemmT", 5, 7);
        return net.Then("Conv", "a", ["grouped"], Attribute("pads", 1, 1, 1, 1), Attribute("group", 2))
            .Then("Conv", "b", ["dilated"], Attribute("pads", 0, 1, 1, 2), Attribute("dilations", 4, 2))
            .Then("ConvTranspose", "c", ["transposed"], Attribute("strides", 2, 2))
            .Then("MatMul", "d", ["right"]).Add("MatMul", ["left", "d"], "e").Then("Flatten", "f")
            .Then("Gemm", "g", ["gemm"]).Then("Gemm", "h", ["gemmT"], Attribute("transB", 1)).BuildGraph();
    }
}
