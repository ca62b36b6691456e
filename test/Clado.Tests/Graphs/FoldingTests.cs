using Clado.Activations;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Graphs;

public class FoldingTests
{
    private const int Inputs = 4;
    private const int Outputs = 8;

    // Products and sums in another order, in single precision, of values around 10 at most.
    private const float Tolerance = 2e-4f;

    private static readonly string[] Convolutions = ["Conv", "grouped", "depthwise", "ConvTranspose"];
    private static readonly string[] Affine = ["BatchNormalization", "Mul scalar",
        "Mul channels", "Add scalar", "Add channels", "Add reversed"];

    /// <summary>
    /// Chains of what is affine by channel, behind every kind of convolution, with a bias of its own, a shared one or none.
    /// </summary>
    [Fact]
    public void OutputsStayTheSameAndConvolutionsAreAllThatIsLeft() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[0, 5].Array[1, 4], Gen.Int[1, 1000]).Sample((kind, bias, chain, seed) =>
        {
            var net = new NetworkBuilder(seed, input: [Inputs, 6, 6]);
            AddConvolution(net, Convolutions[kind], bias);
            foreach (var (op, i) in chain.Select((op, i) => (Affine[op], i)))
            {
                AddAffine(net, op, i, Outputs);
            }
            string[] outputs = bias == 2 ? [net.Last, "other"] : [net.Last];
            var model = net.Build(outputs);
            var graph = Graph.FromModel(model, "m.onnx");
            Assert.All(graph.Nodes, node => Assert.StartsWith("Conv", node.OpType, StringComparison.Ordinal));
            Assert.Equal(outputs, graph.Outputs);
            AssertClose(model, graph.Model);
        }, iter: 60, threads: 1);

    [Fact]
    public void WhatIsNotLegalStays()
    {
        void Stays(string why, Action<NetworkBuilder> build, string[] outputs, int nodes)
        {
            var net = new NetworkBuilder(input: [Inputs, 6, 6]);
            build(net);
            var model = net.Build(outputs);
            var graph = Graph.FromModel(model, "m.onnx");
            Assert.True(nodes == graph.Nodes.Count, $"{why}: {string.Join(", ", graph.Nodes.Select(n => n.OpType))}");
            AssertClose(model, graph.Model);
        }

        Stays("the convolution is read twice", net => Normalized(net).Add("Add", ["c", "n0"], "y"), ["y"], 3);
        Stays("the convolution is an output", net => Normalized(net), ["n0", "c"], 2);
        Stays("the weight is another's too", net => Normalized(net).Add("Conv", ["x", "w"], "z", Attribute("pads", 1, 1, 1, 1)),
            ["n0", "z"], 3);
        Stays("something stands between", net =>
        {
            AddConvolution(net, "Conv", 0);
            net.Then("Relu", "r");
            AddAffine(net, "BatchNormalization", 0, Outputs);
        }, ["n0"], 3);
        Stays("a square root of a negative number",
            net => Normalized(net).Model.Graph.Initializer.First(t => t.Name == "variance0").RawData =
            TensorData.Singles("", Enumerable.Repeat(-1f, Outputs).ToArray()).RawData, ["n0"], 2);
        Stays("factors go along the last axis", net =>
        {
            AddConvolution(net, "Conv", 0);
            net.Weight("k", 6);
            net.Then("Mul", "y", ["k"]);
        }, ["y"], 2);
        Stays("the constant has more dimensions than the output", net =>
        {
            AddConvolution(net, "Conv", 0);
            net.Weight("k", 1, 1, 1, 1, 1);
            net.Then("Mul", "y", ["k"]);
        }, ["y"], 2);
        Stays("one channel becomes many", net =>
        {
            net.Weight("w", 1, Inputs, 3, 3);
            net.Weight("k", 5, 1, 1);
            net.Then("Conv", "c", ["w"]).Then("Add", "y", ["k"]);
        }, ["y"], 2);
        Stays("groups of a transposed convolution share their scales", net =>
        {
            net.Weight("w", Inputs, 4, 3, 3);
            net.Then("ConvTranspose", "c", ["w"], Attribute("group", 2));
            AddAffine(net, "BatchNormalization", 0, 8);
        }, ["n0"], 2);
    }

    /// <summary>What a loop or branch reads of the tensors around it is read.</summary>
    [Fact]
    public void WhatABranchReadsStays()
    {
        var net = new NetworkBuilder(input: [Inputs, 6, 6]);
        Normalized(net);
        net.Model.Graph.Initializer.Add(TensorData.Create("yes", TensorProto.Types.DataType.Bool, [1]));
        var branch = new GraphProto { Name = "branch" };
        branch.Node.Add(Node("Relu", ["c"], "inner"));
        var type = new TypeProto { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float } };
        branch.Output.Add(new ValueInfoProto { Name = "inner", Type = type });
        AttributeProto Body(string name) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = branch.Clone() };
        net.Add("If", ["yes"], "i", Body("then_branch"), Body("else_branch"));
        var model = net.Build("i", "n0");
        AssertClose(model, Graph.FromModel(model, "m.onnx").Model);
    }

    [Fact]
    public void WhatStandsAloneIsSaid()
    {
        var net = new NetworkBuilder(input: [Inputs, 6, 6]);
        AddConvolution(net, "Conv", 0);
        net.Then("Relu", "r");
        AddAffine(net, "BatchNormalization", 0, Outputs);
        var graph = net.BuildGraph();
        var kept = Assert.Single(ActivationPlan.Of(graph, LayerFinder.Find(graph).Layers).Kept);
        Assert.Equal("BatchNormalization", kept.Op);
        Assert.Contains("no convolution", kept.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("face_detection")]
    [InlineData("ocr_detection")]
    public void RealNetworksKeepTheirOutputs(string name)
    {
        var path = SharedFiles.Require($"models/{name}.onnx");
        var graph = Graph.Read(path);
        Assert.DoesNotContain(graph.Nodes, n => n.OpType == "BatchNormalization");
        AssertClose(OnnxFile.Read(path), graph.Model);
    }

    private static NetworkBuilder Normalized(NetworkBuilder net)
    {
        AddConvolution(net, "Conv", 0);
        AddAffine(net, "BatchNormalization", 0, Outputs);
        return net;
    }

    /// <param name="net">The network.</param>
    /// <param name="kind">Conv, grouped, depthwise or ConvTranspose.</param>
    /// <param name="bias">0 none, 1 its own, 2 shared with a second convolution whose output is <c>other</c>.</param>
    private static void AddConvolution(NetworkBuilder net, string kind, int bias)
    {
        int groups = kind == "grouped" ? 2 : kind == "depthwise" ? Inputs : 1;
        net.Weight("w", kind == "ConvTranspose" ? [Inputs, Outputs, 3, 3] : [Outputs, Inputs / groups, 3, 3]);
        net.Weight("b", Outputs);
        net.Weight("v", Outputs, Inputs, 1, 1);
        if (bias == 2)
        {
            net.Add("Conv", ["x", "v", "b"], "other");
        }
        net.Add(kind == "ConvTranspose" ? kind : "Conv", bias == 0 ? ["x", "w"] : ["x", "w", "b"],
            "c", Attribute("pads", 1, 1, 1, 1), Attribute("group", groups));
    }

    private static void AddAffine(NetworkBuilder net, string op, int index, int channels)
    {
        if (op == "BatchNormalization")
        {
            string[] parameters = [$"scale{index}", $"bias{index}", $"mean{index}", $"variance{index}"];
            foreach (var name in parameters)
            {
                net.Weight(name, channels);
            }
            var variance = net.Model.Graph.Initializer[^1];
            TensorData.Overwrite(variance, [.. TensorData.ReadSingles("", variance).Select(v => 0.1f + (v * v))]);
            net.Then(op, $"n{index}", parameters,
                new AttributeProto { Name = "epsilon", Type = AttributeProto.Types.AttributeType.Float, F = 0.01f });
            return;
        }
        net.Weight($"k{index}", op.EndsWith("scalar", StringComparison.Ordinal) ? [1] : [channels, 1, 1]);
        net.Add(op[..3], op == "Add reversed" ? [$"k{index}", net.Last] : [net.Last, $"k{index}"], $"n{index}");
    }

    private static void AssertClose(ModelProto expected, ModelProto actual)
    {
        float[] a = Harness.Outputs(expected, batch: 1), b = Harness.Outputs(actual, batch: 1);
        Assert.Equal(a.Length, b.Length);
        float largest = a.Select(Math.Abs).Append(1).Max();
        Assert.All(a.Zip(b), pair => Assert.True(pair.First.Equals(pair.Second)
            || Math.Abs(pair.First - pair.Second) <= Tolerance * largest));
    }
}
