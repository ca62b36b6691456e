using Clado.Activations;
using Clado.Comparisons;
using Clado.Images;
using Clado.Metrics;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Comparisons;

/// <summary>A metric of a user of the library, compared with others by what is public. docs/comparison.md shows it.</summary>
public class OwnMetricTests
{
    [Fact]
    public void AMetricOfOnesOwnIsCompared()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var run = Pipeline.Measure(new PipelineOptions
        {
            Model = folder["model.onnx"],
            Images = Harness.Images(folder, "images", 2),
            Preprocessing = Preprocessing.Parse("unit"),
            Activations = new ActivationOptions { Format = ActivationFormat.Float },
            Run = folder["run"],
        }, cancellation: TestContext.Current.CancellationToken);
        var (comparison, infeasible) = run.Compare(new ComparisonOptions
        {
            Budgets = ["3bit", "4bit"],
            Metrics = ["weight-error"],
            OwnMetrics = [new LastStraw()],
        }, cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(infeasible);
        var own = comparison.Metrics.Single(metric => metric.Name == "last-straw");
        Assert.Null(own.Problem);
        Assert.InRange(own.Passes, 1 + run.Candidates.Count, 2 * run.Candidates.Count);
        Assert.Equal(2, comparison.Rows.Count(row => row.Metric == "last-straw"));
        Assert.Throws<CladoException>(() => new ComparisonOptions { Budgets = ["3bit"], OwnMetrics = [new LastStraw(), new LastStraw()] });
    }

    // begin of the example
    /// <summary>What a layer at a width adds to the loss where all others are as wide as they can be.</summary>
    private sealed class LastStraw : IMetric
    {
        public string Name => "last-straw";

        public string Description => "loss with one layer narrow and all others at their widest";

        public string Source => "ours";

        public MetricNeeds Needs => MetricNeeds.Images;

        public MetricScores Measure(MetricContext context)
        {
            var widest = context.Candidates.GroupBy(candidate => candidate.Layer).Select(own => own.Last()).ToArray();
            var choices = context.Candidates.Select(narrow =>
                widest.Select(wide => wide.Layer == narrow.Layer ? narrow : wide).ToArray()).ToArray();
            return MetricScores.Of(context.LossIncreases(choices));
        }
    }

    // end of the example
}
