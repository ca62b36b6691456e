using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Graphs;

public class GraphTests
{
    [Fact]
    public void InputOptionsKeepWhatTheyWereGiven()
    {
        double[] values = [0.5, 2];
        var given = new Dictionary<string, IReadOnlyList<double>> { ["scale"] = values };
        var options = new InputOptions { Values = given };
        values[0] = 7;
        given["limit"] = [4];
        Assert.Equal("scale", Assert.Single(options.Values.Keys));
        Assert.Equal([0.5, 2], options.Values["scale"]);
    }

    [Fact]
    public void NodesAreSortedAndOutputsStayTheSame()
    {
        var model = NetworkBuilder.SmallClassifier().Build();
        var shuffled = model.Clone();
        shuffled.Graph.Node.Clear();
        shuffled.Graph.Node.Add(model.Graph.Node.Reverse());
        var graph = Graph.FromModel(shuffled, "m.onnx");
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Assert.All(graph.Nodes[i].Input, name => Assert.True(graph.Producer(name) < i));
        }
        Assert.Equal(Harness.Outputs(model), Harness.Outputs(graph.Model));
    }

    [Fact]
    public void CyclesDoubleAndMissingSourcesAreLocatedErrors()
    {
        var cycle = new NetworkBuilder().Add("Add", ["x", "b"], "a").Add("Relu", ["a"], "b").Build("b");
        Assert.Contains("cycle", Assert.Throws<OnnxFormatException>(() => Graph.FromModel(cycle, "m.onnx")).Message,
            StringComparison.Ordinal);
        var twice = new NetworkBuilder().Then("Relu", "y").Add("Relu", ["x"], "y").Build();
        Assert.Contains("made twice", Assert.Throws<OnnxFormatException>(() => Graph.FromModel(twice, "m.onnx")).Message,
            StringComparison.Ordinal);
        var nowhere = new NetworkBuilder().Add("Relu", ["ghost"], "y").Build();
        Assert.Equal("ghost", Assert.Throws<OnnxFormatException>(() => Graph.FromModel(nowhere, "m.onnx")).Tensor);
    }

    [Fact]
    public void ConstantsIdentitiesAndConstantArithmeticBecomeInitializers()
    {
        var net = new NetworkBuilder(input: [4]);
        net.Weight("w", 3, 4);
        net.Weight("b", 3);
        var two = TensorData.Singles("", [2], 1);
        var constant = new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = two };
        net.Add("Transpose", ["w"], "wt", Attribute("perm", 1, 0)).Add("Identity", ["b"], "alias").Add("Constant", [], "two", constant);
        net.Add("MatMul", ["x", "wt"], "m").Add("Add", ["m", "alias"], "a").Add("Mul", ["a", "two"], "y").Add("Relu", ["a"], "dead");
        var model = net.Build("y");
        var graph = Graph.FromModel(model, "m.onnx");
        Assert.Equal(["MatMul", "Add", "Mul"], graph.Nodes.Select(n => n.OpType));
        Assert.Equal(["b", "two", "wt"], graph.Initializers.Keys.Order());
        Assert.Equal(Harness.Outputs(model), Harness.Outputs(graph.Model));
    }

    [Fact]
    public void ShapesAreFoundForOneImageAndGrowWithTheBatch()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        Assert.True(graph.HasFreeBatch);
        Assert.Equal([1, 12, 8, 8], graph.Tensors["c4"].Shape);
        Assert.Equal([true, false, false, false], graph.Tensors["c4"].Batched);
        Assert.Equal([1, 5], graph.Tensors["logits"].Shape);
    }

    [Fact]
    public void ReadoutOfASoftmaxIsItsLogits()
    {
        var graph = NetworkBuilder.SmallClassifier().Then("Softmax", "probabilities").BuildGraph();
        var readout = Readout.Of(graph);
        Assert.True(readout.IsClassifier);
        Assert.Equal(["logits"], readout.Outputs);
    }
}
