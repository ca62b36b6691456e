namespace Clado;

/// <summary>
/// What messages call the settings and calls of the library: by the names they have in code. The command line says its own words instead
/// (docs/decisions/2026-11-27-words-of-messages.md).
/// </summary>
internal static class Settings
{
    public const string Activations = "PipelineOptions.Activations";
    public const string BitOperations = "AllocationLimits.BitOperations";
    public const string Bits = "PipelineOptions.Bits";
    public const string Budget = "Budget.Text";
    public const string Budgets = "SweepOptions.Budgets";
    public const string Cache = "WorkerOptions.CacheFolder";
    public const string ChosenPins = "AllocationLimits.Pins";
    public const string Cluster = "ClusterOptions.Url";
    public const string ClusterSecret = "ClusterOptions.SecretFile";
    public const string ComparedBudgets = "ComparisonOptions.Budgets";
    public const string ComparedMetrics = "ComparisonOptions.Metrics";
    public const string Costs = "AllocationLimits.Costs";
    public const string Estimator = "PipelineOptions.Estimator";
    public const string FailureTimeout = "ClusterOptions.FailureTimeout";
    public const string FindSmallest = "MeasuredRun.FindSmallest";
    public const string Granularity = "PipelineOptions.Granularity";
    public const string Image = "InputOptions.Image";
    public const string Images = "PipelineOptions.Images";
    public const string InputShape = "InputOptions.Shape";
    public const string InputSize = "InputOptions.Size";
    public const string Inspect = "Inspection.Of";
    public const string LabelOffset = "PipelineOptions.LabelOffset";
    public const string Limit = "PipelineOptions.Limit";
    public const string Listen = "WorkerOptions.Listen";
    public const string Loss = "PipelineOptions.Loss";
    public const string Machines = "Resources.Machines";
    public const string MaximumCost = "AllocationLimits.MaximumCost";
    public const string Measure = "Pipeline.Measure";
    public const string Memory = "Resources.MemoryBytes";
    public const string Opset = "PipelineOptions.Opset";
    public const string Pins = "PipelineOptions.Pins";
    public const string PointCount = "SweepOptions.PointCount";
    public const string Port = "WorkerOptions.Port";
    public const string Preprocessing = "PipelineOptions.Preprocessing";
    public const string Provider = "PipelineOptions.Provider";
    public const string Reference = "EvaluationOptions.Reference";
    public const string Requantize = "PipelineOptions.Requantize";
    public const string Rounding = "PipelineOptions.Rounding";
    public const string Rounds = "SweepOptions.Rounds";
    public const string Rows = "PipelineOptions.Rows";
    public const string Run = "PipelineOptions.Run";
    public const string RunTimeout = "RunLimit.Enter";
    public const string SameWidth = "AllocationLimits.SameWidth";
    public const string ScoreThreshold = "EvaluationOptions.ScoreThreshold";
    public const string StudioOutput = "StudioOptions.Output";
    public const string StudioPort = "StudioOptions.Port";
    public const string Task = "PipelineOptions.Task";
    public const string Tune = "MeasuredRun.Deploy";
    public const string TunePasses = "TuningOptions.Passes";
    public const string Values = "InputOptions.Values";
    public const string Worker = "Worker.Run";
    public const string WriteFigures = "Report.WriteFigures";
}
