using Clado.Evaluation;
using Clado.Images;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>The reason for the project, on a real network: at 3.0 bits with nearest rounding, cross terms save what the diagonal loses.</summary>
public class CrossTermTests
{
    // Nearest rounding, whose errors are large enough to meet: docs/method.md has 25 % against 61 %; the test asks for half of that difference.
    private const double LeastGain = 0.18;

    [Fact]
    public void CrossTermsLiftResNet20AtThreeBits()
    {
        var model = SharedFiles.Require("models/resnet20_cifar10.onnx");
        var test = ImageFolder.Open(SharedFiles.Require("data/cifar10/test")).Limit(2000, 0);
        using var folder = new TemporaryFolder();
        var preprocessing = Preprocessing.Parse("imagenet");
        double Top1(string estimator)
        {
            var run = Pipeline.Measure(new PipelineOptions
            {
                Model = model,
                Images = SharedFiles.Require("data/cifar10/calibration"),
                Limit = 512,
                Bits = [2, 4, 8],
                Rounding = "nearest",
                Sensitivity = new SensitivityOptions { Estimator = estimator },
                Run = folder[estimator],
            });
            run.Deploy(run.Allocate("3bit"), folder[$"{estimator}.onnx"]).Commit();
            return Evaluator.Evaluate(new(folder[$"{estimator}.onnx"]), null, new(), new Workload(test, preprocessing)).Top1!.Value;
        }

        double reference = Evaluator.Evaluate(
            new(model), null, new(), new Workload(test, preprocessing) { Cancellation = TestContext.Current.CancellationToken }).Top1!.Value;
        Assert.InRange(reference, 0.90, 0.94);
        double diagonal = Top1("diagonal"), additive = Top1("additive");
        Assert.True(additive >= diagonal + LeastGain, $"additive {additive:P1}, diagonal {diagonal:P1}");
    }
}
