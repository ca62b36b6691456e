using Clado.Evaluation;
using Clado.Images;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>The reason for the project: at 3.0 bits with nearest rounding, cross terms save accuracy that the diagonal loses.</summary>
public class CrossTermTests
{
    // Errors of nearest rounding are large enough to interact: docs/method.md has 25 % against 61 %. The test asks for half of that.
    private const double LeastGain = 0.18;

    [Fact]
    public void CrossTermsLiftResNet20AtThreeBits()
    {
        var model = SharedFiles.Require("models/resnet20_cifar10.onnx");
        var test = ImageFolder.Open(SharedFiles.Require("data/cifar10/test")).Limit(2000, 0);
        using var folder = new TemporaryFolder();
        var work = new Workload(test, Preprocessing.Parse("imagenet")) { Cancellation = TestContext.Current.CancellationToken };
        double Top1(string estimator)
        {
            var run = Pipeline.Measure(new PipelineOptions
            {
                Model = model,
                Images = SharedFiles.Require("data/cifar10/calibration"),
                Limit = 512,
                Bits = [2, 4, 8],
                Rounding = "nearest",
                Estimator = estimator,
                Run = folder[estimator],
            });
            run.Deploy(run.Allocate("3bit"), folder[$"{estimator}.onnx"]).Commit();
            return Evaluator.Evaluate(new(folder[$"{estimator}.onnx"]), null, new(), work).Top1!.Value;
        }

        double reference = Evaluator.Evaluate(new(model), null, new(), work).Top1!.Value;
        Assert.InRange(reference, 0.90, 0.94);
        double diagonal = Top1("diagonal"), additive = Top1("additive");
        Assert.True(additive >= diagonal + LeastGain, $"additive {additive:P1}, diagonal {diagonal:P1}");
    }
}
