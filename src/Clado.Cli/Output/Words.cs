namespace Clado.Cli.Output;

/// <summary>The library's messages in the words of the command line.</summary>
internal static class Words
{
    /// <summary>What the command line calls the settings and calls that messages of the library name.</summary>
    public static IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        ["AllocationLimits.BitOperations"] = "--max-bitops",
        ["AllocationLimits.Costs"] = "--cost-table",
        ["AllocationLimits.MaximumCost"] = "--max-cost",
        ["AllocationLimits.Pins"] = "--pin",
        ["AllocationLimits.SameWidth"] = "--same-bits",
        ["Budget.Text"] = "--budget",
        ["ClusterOptions.FailureTimeout"] = "--failure-timeout",
        ["ClusterOptions.SecretFile"] = "--cluster-secret",
        ["ClusterOptions.Url"] = "--cluster",
        ["ComparisonOptions.Budgets"] = "--budgets",
        ["ComparisonOptions.Metrics"] = "--metrics",
        ["EvaluationOptions.Reference"] = "--reference",
        ["EvaluationOptions.ScoreThreshold"] = "--score-threshold",
        ["InputOptions.Image"] = "--input",
        ["InputOptions.Shape"] = "--input-shape",
        ["InputOptions.Size"] = "--size",
        ["InputOptions.Values"] = "--set",
        ["Inspection.Of"] = "clado inspect",
        ["MeasuredRun.Deploy"] = "--tune",
        ["MeasuredRun.FindSmallest"] = "--target-drop",
        ["Pipeline.Measure"] = "clado measure",
        ["PipelineOptions.Activations"] = "--activations",
        ["PipelineOptions.Bits"] = "--bits",
        ["PipelineOptions.Estimator"] = "--estimator",
        ["PipelineOptions.Granularity"] = "--granularity",
        ["PipelineOptions.Images"] = "--images",
        ["PipelineOptions.LabelOffset"] = "--label-offset",
        ["PipelineOptions.Limit"] = "--limit",
        ["PipelineOptions.Loss"] = "--loss",
        ["PipelineOptions.Opset"] = "--opset",
        ["PipelineOptions.Pins"] = "--pin",
        ["PipelineOptions.Preprocessing"] = "--preprocess",
        ["PipelineOptions.Provider"] = "--provider",
        ["PipelineOptions.Requantize"] = "--requantize",
        ["PipelineOptions.Rounding"] = "--rounding",
        ["PipelineOptions.Rows"] = "--rows",
        ["PipelineOptions.Run"] = "--run",
        ["PipelineOptions.Task"] = "--task",
        ["Report.WriteFigures"] = "--figures",
        ["Resources.Machines"] = "--cluster",
        ["Resources.MemoryBytes"] = "--memory",
        ["RunLimit.Enter"] = "--run-timeout",
        ["StudioOptions.Output"] = "--output",
        ["StudioOptions.Port"] = "--port",
        ["SweepOptions.Budgets"] = "--budgets",
        ["SweepOptions.PointCount"] = "--points",
        ["SweepOptions.Rounds"] = "--rounds",
        ["TuningOptions.Passes"] = "--tune-passes",
        ["Worker.Run"] = "clado worker",
        ["WorkerOptions.CacheFolder"] = "--cache",
        ["WorkerOptions.Listen"] = "--listen",
        ["WorkerOptions.Port"] = "--port",
    };

    // The longest first: one name may begin as another.
    private static readonly string[] Names = [.. Options.Keys.OrderByDescending(name => name.Length)];

    /// <summary>A message in the words of the command line.</summary>
    public static string Of(string message) =>
        Names.Aggregate(message, (text, name) => text.Replace(name, Options[name], StringComparison.Ordinal));
}
