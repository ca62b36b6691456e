using Clado.Gradients;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Tests.Gradients.NamedRuns;

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

    /// <summary>The rules serve the opset of older runtimes, too.</summary>
    [Fact]
    public void AnEarlierOpsetHasTheSameGradients()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var feeds = Feeds(graph, 2, new Random(1));
        feeds["seed"] = Differences.Normal(new Random(2), 10);
        var results = new[] { graph, Harness.Earlier(graph) }.Select(one =>
        {
            var made = GradientGraph.Of(one, [new Seed.Given("logits", "seed")], ["w1"]);
            Assert.Equal(one.Opset, made.Model.Opset());
            return Run(made.Model, feeds, 2, 5)[made.Gradient("w1")];
        }).ToArray();
        AssertClose(results[0], results[1]);
    }
}
