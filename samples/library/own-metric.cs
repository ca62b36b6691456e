#!/usr/bin/env -S dotnet run
#:project ../../src/Clado/Clado.csproj
#:property PublishAot=false

// Compares a metric of one's own with the library's: dotnet run own-metric.cs MODEL.onnx IMAGES PREPROCESS BUDGET
using Clado;
using Clado.Comparisons;
using Clado.Images;
using Clado.Metrics;

var run = Pipeline.Measure(new PipelineOptions { Model = args[0], Images = args[1], Preprocessing = Preprocessing.Parse(args[2]) });
var (comparison, _) = run.Compare(new ComparisonOptions
{
    Budgets = [args[3]],
    Metrics = ["diagonal", "random"],
    OwnMetrics = [new ErrorTimesWork()],
});
foreach (var row in comparison.Rows)
{
    Console.WriteLine(FormattableString.Invariant(
        $"{row.Metric}: loss {row.Loss:0.0000} ± {row.LossStandardError:0.0000}, {row.SizeBytes} bytes"));
}

/// <summary>How far weights move, times what the layer computes with them: it looks at no image.</summary>
internal sealed class ErrorTimesWork : IMetric
{
    public string Name => "error-times-work";

    public string Description => "squared error of the weights, by the layer's MACs a weight";

    public string Source => "this sample";

    public MetricScores Measure(MetricContext context) => MetricScores.Of(
        [.. context.Candidates.Select(candidate => candidate.SquaredError * candidate.Layer.Macs / candidate.Layer.Parameters)]);
}
