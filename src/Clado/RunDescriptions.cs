using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Runs;

namespace Clado;

/// <summary>What a run is measured with, as its folder remembers it.</summary>
internal static class RunDescriptions
{
    /// <summary>Describes a run.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="graph">The network.</param>
    /// <param name="images">The images.</param>
    public static RunDescription Describe(this PipelineOptions options, Graph graph, ImageSet images) => new()
    {
        ModelPath = Path.GetFullPath(options.Model),
        ModelSha256 = graph.Hash,
        Input = graph.Inputs.Constants.Count > 0 ? graph.Input : null,
        Set = options.Inputs.Settings(),
        InputShape = graph.InputShape.Setting,
        Task = graph.Decision is { } decision && ChangesReading(graph, decision) ? decision.Name : null,
        HoldsProbabilities = graph.Decision is { HoldsProbabilities: true },
        TaskReason = graph.Decision?.Reason,
        ImagesPath = Path.GetFullPath(options.Images),
        ImagesSha256 = images.Sha256,
        ImageCount = images.Items.Count,
        ImagesFound = images.Found,
        Limit = options.Limit,
        Seed = options.Seed,
        LabelOffset = options.LabelOffset,
        Preprocessing = options.Preprocessing.ToJson(),
        Bits = [.. options.Bits],
        Pins = [.. options.Pins],
        Equalize = options.Equalize,
        Rounding = options.Rounding + (options.RoundsSequentially ? " on quantized inputs" : ""),
        Estimator = options.Sensitivity.Estimator,
        Loss = options.Sensitivity.Loss ?? RunDescription.Automatic,
        Rows = options.Rows,
        Granularity = options.MixesRows ? options.Granularity : null,
        Activations = RunDescription.NameOf(options.Activations.Format),
        Ranges = RunDescription.NameOf(options.Activations.Ranges),
        MeasuredActivations = RunDescription.NameOf(options.MeasuredActivations),
        Requantize = options.Requantize,
        Provider = RunDescription.NameOf(options.Provider),
        Opset = options.Opset,
        KeepNames = options.KeepNames,
        CladoVersion = RunDescription.Version,
        OnnxRuntimeVersion = OrtRuntime.Version,
    };

    /// <summary>The network of a run, decided to be for what it was measured for.</summary>
    /// <param name="description">The run.</param>
    /// <param name="graph">The network.</param>
    public static Graph Decided(this RunDescription description, Graph graph)
    {
        if (description.TaskReason is not { } reason)
        {
            return graph;
        }
        var task = description.Task is { } name ? TaskDecision.Named(name) : Readout.Of(graph).Task;
        return graph.For(new TaskDecision(task, reason) { HoldsProbabilities = description.HoldsProbabilities });
    }

    /// <summary>Whether a network is read otherwise than its structure alone says.</summary>
    private static bool ChangesReading(Graph graph, TaskDecision decision) =>
        decision.Task != TaskRules.Decide(Answers.Of(graph)).Task;
}
