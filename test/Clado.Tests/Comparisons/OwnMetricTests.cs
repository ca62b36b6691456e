using Clado.Activations;
using Clado.Comparisons;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Comparisons;

/// <summary>A metric of a user of the library, compared with others by what is public.</summary>
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

    /// <summary>docs/comparison.md shows it as it is here.</summary>
    [Fact]
    public void TheDocumentShowsTheExample()
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "test/Clado.Tests/Comparisons/LastStraw.cs"));
        string example = source[source.IndexOf("/// <summary>", StringComparison.Ordinal)..].TrimEnd();
        Assert.True(example.Split('\n').Length < 40);
        Assert.Contains(example, File.ReadAllText(Path.Combine(Repository.Root, "docs/comparison.md")), StringComparison.Ordinal);
    }
}
