using Clado.Graphs;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Gradients;

/// <summary>Whole networks: along a random direction of all weights the gradient is what differences say.</summary>
public class NetworkGradientTests(ITestOutputHelper output)
{
    // Of what a derivative along a random direction comes to. It is the difference that is no better: steps pass kinks of many Relus and
    // Clips, and shorter ones show single precision.
    private const double Tolerance = 0.05;

    [Theory]
    [InlineData("resnet20")]
    [InlineData("vit")]
    public void Samples(string name) => Check(Path.Combine(Repository.Root, "samples", $"{name}.onnx"));

    [Theory]
    [InlineData("resnet20_cifar10")]
    [InlineData("mlperf_resnet8_cifar10")]
    [InlineData("vit_cifar10")]
    [InlineData("mcunet_imagenet")]
    [InlineData("mobilenetv2_imagenet")]
    [InlineData("face_detection")]
    [InlineData("ocr_detection")]
    public void SharedModels(string name) => Check(SharedFiles.Require($"models/{name}.onnx"));

    private void Check(string path)
    {
        var graph = Graph.Read(path);
        var found = DirectionalDerivative.Of(graph, 2);
        output.WriteLine($"{Path.GetFileName(path)}: {found}");
        Assert.InRange(found.Error, 0, Tolerance);
    }
}
