using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Gradients of whole graphs: what is asked for, what is refused, losses, and gradients an image.</summary>
public class GradientGraphTests
{
    [Fact]
    public void WhatIsUsedTwiceGetsTheSum()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Then("Sigmoid", "s").Add("Mul", ["s", "x"], "m").Add("Sum", ["m", "s", "x"], "y").Add("Mul", ["y", "s"], "z");
        Differences.Check(net.Build("z", "y"), []);
    }

    /// <summary>Steps pass kinks of some of its Relus.</summary>
    [Fact]
    public void AClassifier() => Differences.Check(
        NetworkBuilder.SmallClassifier().Build(), ["w1", "w2", "w3", "w4", "w5", "b5"], 0.002, relative: 0.03);

    /// <summary>A tensor's gradient does not depend on whether others are asked for, and goes no further back than it has to.</summary>
    [Fact]
    public void NothingMoreThanIsAskedForIsComputed()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var all = GradientGraph.Of(graph, [new Seed.Given("logits", "seed")], ["c1", "c4", "w5"]).Model.Graph;
        var last = GradientGraph.Of(graph, [new Seed.Given("logits", "seed")], ["w5"]).Model.Graph;
        Assert.InRange(last.Node.Count, 1, all.Node.Count / 2);
        Assert.DoesNotContain(last.Node, node => node.Is("ConvTranspose") || node.Is("Relu") && node.Input[0].StartsWith('d'));
    }

    [Fact]
    public void WhatNothingDependsOnGetsZeros()
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("w", 4);
        net.Add("Mul", ["x", "w"], "z").Add("Floor", ["z"], "f").Add("Add", ["f", "x"], "y");
        var made = GradientGraph.Of(net.BuildGraph("y"), [new Seed.Given("y", "seed")], ["w", "x"]);
        var values = Run(made.Model, new() { ["x"] = [1, 2, 3, 4], ["seed"] = [5, 6, 7, 8] }, 1, 4);
        Assert.Equal([0, 0, 0, 0], values[made.Gradient("w")]);
        Assert.Equal([5, 6, 7, 8], values[made.Gradient("x")]);
    }

    /// <summary>Several passes share the forward pass.</summary>
    [Fact]
    public void PassesAreThoseOfEachSeed()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        Seed[] seeds = [new Seed.Given("logits", "one"), new Seed.Given("logits", "other")];
        var both = GradientGraph.Of(graph, new GradientRequest([[seeds[0]], [seeds[1]], seeds], ["c1", "w2"]));
        Assert.Equal(4, both.Model.Graph.Node.Count(node => node.Is("Conv") && node.Output[0].StartsWith('c')));
        var random = new Random(1);
        var feeds = Feeds(graph, 2, random);
        (feeds["one"], feeds["other"]) = (Differences.Normal(random, 10), Differences.Normal(random, 10));
        var results = Run(both.Model, feeds, 2, 5);
        foreach (var tensor in (string[])["c1", "w2"])
        {
            var sum = results[both.Gradient(tensor)].Zip(results[both.Gradient(tensor, 1)], (a, b) => a + b).ToArray();
            AssertClose(sum, results[both.Gradient(tensor, 2)]);
            Assert.NotEqual(results[both.Gradient(tensor)], results[both.Gradient(tensor, 1)]);
        }
    }

    /// <summary>A cut: what lies before is given, and the gradients are those of the whole.</summary>
    [Fact]
    public void APartHasTheGradientsOfTheWhole()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        string[] asked = ["w3", "w5", "r2"];
        Seed[] seeds = [new Seed.Given("logits", "seed")];
        var whole = GradientGraph.Of(graph, new GradientRequest([seeds], asked) { Outputs = ["r2"] });
        var part = GradientGraph.Of(graph, new GradientRequest([seeds], asked) { Given = new HashSet<string> { "r2" } });
        Assert.DoesNotContain(part.Model.Graph.Input, input => input.Name == "x");
        var feeds = Feeds(graph, 2, new Random(1));
        feeds["seed"] = Differences.Normal(new Random(2), 10);
        var expected = Run(whole.Model, feeds, 2, 5);
        feeds["r2"] = expected["r2"];
        var found = Run(part.Model, feeds, 2, 5, new() { ["r2"] = [2, 8, 8, 8] });
        Assert.All(asked, tensor => AssertClose(expected[whole.Gradient(tensor)], found[part.Gradient(tensor)]));
    }

    /// <summary>Every kind of layer: the gradients of the images, each run alone, are the rows of those kept apart.</summary>
    [Fact]
    public void GradientsOfImagesAreThoseOfEachAlone()
    {
        var net = new NetworkBuilder(1, input: [4, 8, 8]);
        net.Weight("w1", 6, 2, 3, 3);
        net.Weight("b1", 6);
        net.Weight("w2", 6, 1, 3, 3);
        net.Weight("w3", 8, 6, 1, 1);
        net.Weight("w4", 8, 4, 2, 2);
        net.Weight("w5", 4, 5);
        net.Weight("a5", 5);
        net.Weight("w6", 3, 5);
        net.Weight("b6", 3);
        net.Weight("unused", 2);
        net.Then("Conv", "c1", ["w1", "b1"], Attribute("group", 2), Attribute("strides", 2, 2)).Then("Tanh", "t1");
        net.Then("Conv", "c2", ["w2"], Attribute("group", 6), Attribute("pads", 1, 1, 1, 1));
        net.Then("Conv", "c3", ["w3"]).Then("Sigmoid", "t3");
        net.Then("ConvTranspose", "c4", ["w4"], Attribute("strides", 2, 2));
        net.Model.Graph.Initializer.Add(TensorData.Integers("rows", [0, 4, -1], 3));
        // Windows: rows of a batch that are several of an image.
        net.Model.Graph.Initializer.Add(TensorData.Integers("windows", [-1, 9, 4], 3));
        net.Then("Reshape", "r", ["rows"]).Then("Transpose", "rt", null, Attribute("perm", 0, 2, 1)).Then("Reshape", "rw", ["windows"]);
        net.Then("MatMul", "m5", ["w5"]).Then("Add", "m5b", ["a5"]).Then("Tanh", "t5");
        net.Model.Graph.Initializer.Add(TensorData.Integers("images", [-1, 36, 5], 3));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", [1], 1));
        net.Then("Reshape", "ri", ["images"]).Then("ReduceMean", "f", ["axes"], Attribute("keepdims", 0));
        net.Then("Gemm", "y", ["w6", "b6"], Attribute("transB", 1));
        var graph = net.BuildGraph("y");
        string[] asked = ["w1", "b1", "w2", "w3", "w4", "w5", "a5", "w6", "b6"];
        Seed[] seeds = [new Seed.Given("y", "seed")];
        var apart = GradientGraph.Of(graph, new GradientRequest([seeds], asked) { PerImage = asked.ToHashSet() });
        var together = GradientGraph.Of(graph, seeds, asked);
        var random = new Random(1);
        var feeds = Feeds(graph, 3, random);
        feeds["seed"] = Differences.Normal(random, 9);
        var rows = Run(apart.Model, feeds, 3, 3);
        for (int image = 0; image < 3; image++)
        {
            var alone = Run(together.Model, new()
            {
                ["x"] = [.. feeds["x"].Skip(image * 256).Take(256)],
                ["seed"] = [.. feeds["seed"].Skip(image * 3).Take(3)],
            }, 1, 3);
            Assert.All(asked, tensor =>
            {
                var expected = alone[together.Gradient(tensor)];
                AssertClose(expected, [.. rows[apart.Gradient(tensor)].Skip(image * expected.Length).Take(expected.Length)]);
            });
        }
    }

    [Fact]
    public void AStackOfMatricesHasNoGradientAnImage()
    {
        var net = new NetworkBuilder(1, input: [4, 4]);
        net.Weight("w", 4, 4, 4);
        net.Add("MatMul", ["x", "w"], "y");
        var error = Assert.Throws<OnnxFormatException>(() => GradientGraph.Of(net.BuildGraph("y"),
            new GradientRequest([[new Seed.Given("y", "seed")]], ["w"]) { PerImage = new HashSet<string> { "w" } }));
        Assert.Contains("matmul_y", error.Message);
        Assert.Contains("'w'", error.Message);
    }

    /// <summary>Losses against differences of their definitions.</summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    public void Losses(string loss)
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("w", 4, 5);
        net.Add("MatMul", ["x", "w"], "y");
        float[] weights = [0.1f, 0.2f, 0.3f, 0.4f, 0.5f];
        Seed seed = loss switch
        {
            "kl" => new LossSeeds.KullbackLeibler("y", "target"),
            "ce" => new LossSeeds.CrossEntropy("y", "labels"),
            _ => new LossSeeds.Squared("y", "target", weights),
        };
        var made = GradientGraph.Of(net.BuildGraph("y"), [seed], ["y"]);
        var random = new Random(3);
        var x = Differences.Normal(random, 8);
        var target = Differences.Normal(random, 10);
        int[] labels = [3, 1];
        var y = Run(net.Model, new() { ["x"] = x }, 2, 5)["y"];
        var gradient = Run(made.Model, new() { ["x"] = x, ["target"] = target, ["labels"] = [3, 1] }, 2, 5)[made.Gradient("y")];
        double Loss(double[] z) => Enumerable.Range(0, 2).Sum(image =>
        {
            double[] row = [.. z.Skip(image * 5).Take(5)], aim = [.. target.Skip(image * 5).Take(5).Select(v => (double)v)];
            double log = Math.Log(row.Sum(Math.Exp)), logAim = Math.Log(aim.Sum(Math.Exp));
            return loss switch
            {
                "kl" => row.Zip(aim, (a, b) => Math.Exp(b - logAim) * (b - logAim - a + log)).Sum(),
                "ce" => log - row[labels[image]],
                _ => row.Zip(aim, (a, b) => (a - b) * (a - b)).Zip(weights, (square, weight) => square * weight).Sum(),
            };
        });
        for (int i = 0; i < y.Length; i++)
        {
            double[] above = [.. y.Select((v, k) => v + (k == i ? 1e-4 : 0))], below = [.. y.Select((v, k) => v - (k == i ? 1e-4 : 0))];
            Assert.Equal((Loss(above) - Loss(below)) / 2e-4, gradient[i], 4);
        }
    }

    /// <summary>The loss of a map of classes is one a pixel: their mean.</summary>
    [Fact]
    public void LossesOfMaps()
    {
        var net = new NetworkBuilder(1, input: [3, 2, 2]);
        net.Then("Tanh", "y");
        var made = GradientGraph.Of(net.BuildGraph("y"), [new LossSeeds.KullbackLeibler("y", "target", 1)], ["y"]);
        var random = new Random(3);
        var x = Differences.Normal(random, 12);
        var target = Differences.Normal(random, 12);
        var gradient = Run(made.Model, new() { ["x"] = x, ["target"] = target }, 1, 3,
            new() { ["x"] = [1, 3, 2, 2], ["target"] = [1, 3, 2, 2] })[made.Gradient("y")];
        double[] P(float[] z, int pixel)
        {
            double[] e = [.. Enumerable.Range(0, 3).Select(k => Math.Exp(z[(k * 4) + pixel]))];
            return [.. e.Select(v => v / e.Sum())];
        }
        var y = x.Select(MathF.Tanh).ToArray();
        for (int pixel = 0; pixel < 4; pixel++)
        {
            for (int k = 0; k < 3; k++)
            {
                Assert.Equal((P(y, pixel)[k] - P(target, pixel)[k]) / 4, gradient[(k * 4) + pixel], 5);
            }
        }
    }

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

    [Fact]
    public void TrainingIsRefused()
    {
        var net = new NetworkBuilder(1, input: [4, 3]);
        net.Model.Graph.Initializer.Add(TensorData.Singles("ratio", [0.5f]));
        net.Model.Graph.Initializer.Add(TensorData.Create("train", TensorProto.Types.DataType.Bool, [1], []));
        net.Then("Dropout", "y", ["ratio", "train"]);
        var error = Assert.Throws<OnnxFormatException>(
            () => GradientGraph.Of(net.BuildGraph("y"), [new Seed.Given("y", "seed")], ["x"]));
        Assert.Contains("dropout_y", error.Message);
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

    private static Dictionary<string, float[]> Feeds(Graph graph, int images, Random random) => new()
    {
        [graph.Input] = Differences.Normal(random, (int)graph.InputShape.Of(images).Aggregate(1L, (a, b) => a * b)),
    };

    /// <summary>Runs a model; of what the graph does not say, rows are <paramref name="columns"/> long.</summary>
    private static Dictionary<string, float[]> Run(
        ModelProto model, Dictionary<string, float[]> feeds, int images, long columns, Dictionary<string, long[]>? shapes = null)
    {
        using var session = new GraphSession(model, "test.onnx");
        var values = new Dictionary<string, OrtValue>();
        foreach (var input in model.Graph.Input)
        {
            var type = input.Type.TensorType;
            long[] dims = shapes?.GetValueOrDefault(input.Name)
                ?? [images, .. type.Shape.Dim.Skip(1).Select(d => d.HasDimValue ? d.DimValue : columns)];
            values.Add(input.Name, type.ElemType == (int)TensorProto.Types.DataType.Int64
                ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(feeds[input.Name], v => (long)v), dims)
                : OrtValue.CreateTensorValueFromMemory(feeds[input.Name], dims));
        }
        using var results = session.Run(values);
        return session.Outputs.Zip(results).ToDictionary(o => o.First, o => o.Second.GetTensorDataAsSpan<float>().ToArray());
    }

    private static void AssertClose(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        double size = Math.Sqrt(expected.Average(v => (double)v * v));
        Assert.All(expected.Zip(found), pair => Assert.InRange(pair.Second - pair.First, (-1e-4 * size) - 1e-6, (1e-4 * size) + 1e-6));
    }
}
