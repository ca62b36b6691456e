using Clado.Graphs;
using Clado.Images;
using Clado.Metrics;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Metrics;

public class DistilledImagesTests
{
    [Fact]
    public void StatisticsAreThoseOfTheFileThoughNormalizationsAreFolded()
    {
        using var folder = new TemporaryFolder();
        var graph = Normalized(folder);
        Assert.DoesNotContain(graph.Nodes, node => node.Is("BatchNormalization"));
        var own = Assert.Single(NormalizationStatistics.Of(graph));
        Assert.Equal("n", own.Tensor);
        Assert.Equal([0.5f, -0.25f], own.Means);
        Assert.Equal([1.5f, 0.75f], own.Deviations);
        Assert.Empty(NormalizationStatistics.Of(NetworkBuilder.SmallClassifier().BuildGraph()));
    }

    [Fact]
    public void TheGradientIsTheDifferenceAndTheSumFalls()
    {
        using var folder = new TemporaryFolder();
        var graph = Normalized(folder);
        using var distilled = new DistilledImages(graph, NormalizationStatistics.Of(graph));
        var noise = DistilledImages.Noise(graph, Preprocessing.Parse("unit"), 4);
        Assert.All(noise.Pixels, pixel => Assert.InRange(pixel, 0, 1));
        var (sum, gradient) = distilled.Slope(noise);
        var random = new Random(1);
        float[] direction = [.. noise.Pixels.Select(_ => (float)((random.NextDouble() * 2) - 1))];
        double Along(float step) =>
            distilled.Slope(noise with { Pixels = [.. noise.Pixels.Zip(direction, (pixel, by) => pixel + (step * by))] }).Sum;
        double expected = (Along(1e-2f) - Along(-1e-2f)) / 2e-2;
        Assert.Equal(expected, gradient.Zip(direction, (g, d) => (double)g * d).Sum(), 0.01 * Math.Abs(expected));
        Assert.True(distilled.Slope(distilled.Make(noise, DistilledImages.Steps, _ => { })).Sum < 0.1 * sum);
    }

    /// <summary>A convolution that is normalized.</summary>
    private static Graph Normalized(TemporaryFolder folder)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        net.Weight("w", 2, 3, 3, 3);
        net.Weight("e", 8, 2);
        foreach (var (name, values) in new (string, float[])[]
            { ("scale", [1.5f, -0.75f]), ("bias", [0.5f, -0.25f]), ("mean", [0.1f, 0.2f]), ("variance", [1, 2]) })
        {
            net.Model.Graph.Initializer.Add(TensorData.Singles(name, values, 2));
        }
        net.Then("Conv", "c", ["w"]).Then("BatchNormalization", "n", ["scale", "bias", "mean", "variance"]).Then("Relu", "r");
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "z", ["e"], NodeExtensions.Attribute("transB", 1));
        OnnxFile.Write(net.Build(), folder["normalized.onnx"]);
        return Graph.Read(folder["normalized.onnx"]);
    }
}
