using Clado.Gradients;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Tests.Gradients.NamedRuns;

namespace Clado.Tests.Gradients;

/// <summary>Gradients by constants, kept apart image by image.</summary>
public class PerImageTests
{
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
}
