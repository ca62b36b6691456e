using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>What no gradient goes through, and what is said then.</summary>
public class RefusedGradientTests
{
    /// <summary>What has no rule is an error only where a gradient would have to go through it.</summary>
    [Fact]
    public void OperatorsWithoutARule()
    {
        var net = new NetworkBuilder(1, input: [3, 4, 4]);
        net.Weight("w", 2, 3, 1, 1);
        net.Model.Graph.Initializer.Add(TensorData.Singles("grid", new float[2 * 2 * 2], 1, 2, 2, 2));
        net.Then("Conv", "c", ["w"]).Add("ReduceMean", ["x"], "m", Attribute("keepdims", 1)).Add("Mul", ["m", "grid"], "g");
        net.Add("Expand", ["g", "one"], "ge").Add("GridSample", ["c", "ge"], "s").Add("Relu", ["s"], "y");
        net.Model.Graph.Initializer.Add(TensorData.Integers("one", [1, 2, 2, 2], 4));
        var graph = net.BuildGraph("y");
        Seed[] seeds = [new Seed.Given("y", "seed")];
        var error = Assert.Throws<OnnxFormatException>(() => GradientGraph.Of(graph, seeds, ["w"]));
        Assert.Equal("gridsample_s", error.Node);
        Assert.Contains("GridSample", error.Message);
        Assert.Single(GradientGraph.Of(graph, seeds, ["s"]).Model.Graph.Output);
        Assert.Single(GradientGraph.Of(graph, [new Seed.Given("c", "seed")], ["w"]).Model.Graph.Output);
    }

    [Fact]
    public void BodiesHaveNoRule()
    {
        var graph = Graph.FromModel(BranchingModel(), "test.onnx");
        var error = Assert.Throws<OnnxFormatException>(() => GradientGraph.Of(graph, [new Seed.Given("y", "seed")], ["w"]));
        Assert.Contains("operator If", error.Message);
        Assert.Single(GradientGraph.Of(graph, [new Seed.Given("y", "seed")], ["b"]).Model.Graph.Output);
    }

    /// <summary>Some exporters leave training on with nothing to drop.</summary>
    [Fact]
    public void TrainingThatDropsNothingIsNone() => Differences.Linear(Training(0));

    [Fact]
    public void TrainingIsRefused()
    {
        var net = Training(0.5f);
        var error = Assert.Throws<OnnxFormatException>(
            () => GradientGraph.Of(net.BuildGraph("y"), [new Seed.Given("y", "seed")], ["x"]));
        Assert.Contains("dropout_y", error.Message);
    }

    private static NetworkBuilder Training(float ratio)
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("ratio", [ratio]));
        net.Model.Graph.Initializer.Add(TensorData.Create("train", TensorProto.Types.DataType.Bool, [1], []));
        return net.Then("Dropout", "y", ["ratio", "train"]);
    }

    private static ModelProto BranchingModel()
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("w", 4, 4);
        net.Weight("b", 4);
        net.Then("MatMul", "m", ["w"]);
        GraphProto Body(string op)
        {
            var body = new GraphProto { Name = op };
            body.Node.Add(Node(op, ["m"], $"{op} output"));
            body.Output.Add(new ValueInfoProto
            {
                Name = $"{op} output",
                Type = new TypeProto { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float } },
            });
            return body;
        }

        AttributeProto Branch(string name, string op) =>
            new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = Body(op) };
        net.Model.Graph.Initializer.Add(TensorData.Singles("half", [0.5f]));
        net.Add("ReduceMean", ["x"], "mean", Attribute("keepdims", 0)).Add("Greater", ["mean", "half"], "choice");
        net.Add("If", ["choice"], "chosen", Branch("then_branch", "Relu"), Branch("else_branch", "Neg"));
        net.Add("Add", ["chosen", "b"], "y");
        return net.Build("y");
    }
}
