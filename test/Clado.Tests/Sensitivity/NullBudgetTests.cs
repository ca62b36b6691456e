using Clado.Images;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>
/// With no budget the best choice must be the widest everywhere: what a matrix with a leaked constant or a wrong sign gets wrong.
/// On too few images it need not be: on 128 the error of a layer at 4 bits may happen to cancel those of all others at 8, which are of
/// the order of 1e-5 nats.
/// </summary>
public class NullBudgetTests
{
    [Theory]
    [InlineData("resnet20_cifar10", "nearest", "diagonal", 128)]
    [InlineData("resnet20_cifar10", "nearest", "additive", 128)]
    [InlineData("resnet20_cifar10", "nearest", "pairwise", 32)]
    [InlineData("resnet20_cifar10", "feedback", "diagonal", 128)]
    [InlineData("resnet20_cifar10", "feedback", "additive", 256)]
    [InlineData("mlperf_resnet8_cifar10", "nearest", "diagonal", 128)]
    [InlineData("mlperf_resnet8_cifar10", "nearest", "additive", 128)]
    [InlineData("mlperf_resnet8_cifar10", "nearest", "pairwise", 64)]
    [InlineData("mlperf_resnet8_cifar10", "feedback", "diagonal", 128)]
    [InlineData("mlperf_resnet8_cifar10", "feedback", "additive", 128)]
    [InlineData("mlperf_resnet8_cifar10", "feedback", "pairwise", 64)]
    public void EveryLayerTakesItsWidestWidth(string model, string rounding, string estimator, int images)
    {
        using var folder = new TemporaryFolder();
        var run = Pipeline.Measure(new PipelineOptions
        {
            Model = SharedFiles.Require($"models/{model}.onnx"),
            Images = SharedFiles.Require("data/cifar10/calibration"),
            Preprocessing = Preprocessing.Parse(model.StartsWith("mlperf", StringComparison.Ordinal) ? "raw255" : "imagenet"),
            Limit = images,
            Bits = [2, 4, 8],
            Rounding = rounding,
            Estimator = estimator,
            Run = folder["run"],
        }, cancellation: TestContext.Current.CancellationToken);
        Assert.All(run.Allocate("none", cancellation: TestContext.Current.CancellationToken).Chosen, c => Assert.Equal(8, c.Bits));
    }
}
