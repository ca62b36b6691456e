using System.Text.Json;
using Clado.Allocation;
using Clado.Evaluation;
using Clado.Graphs;
using Clado.Layers;
using Clado.Losses;
using Clado.Records;
using Clado.Runs;
using Clado.Sweeps;

namespace Clado.Cli.Output;

/// <summary>The JSON other programs read; its keys are a contract. Fractions are 0–1, sizes bytes, losses nats; what was not measured is absent, what is no number is null.</summary>
internal static class Json
{
    public static string Of(Graph graph, LayerSet layers) => JsonSerializer.Serialize(
        new
        {
            model = graph.File,
            opset = graph.OriginalOpset,
            parameters = layers.Layers.Sum(l => l.Parameters),
            macs = layers.Layers.Sum(l => l.Macs),
            sizeBytes = graph.FileSizeBytes,
            layers = layers.Layers.Select(l => new { l.Name, l.Op, l.Shape, l.Parameters, l.Macs, l.Groups }),
            kept = layers.Kept.Select(k => new { k.Name, k.Op, k.Reason }),
        },
        JsonText.Relaxed);

    public static string Of(EvaluationResult result) => EvaluationFile.Of(result);

    /// <param name="points">Points of a curve. Shape: [points].</param>
    public static string Of(IReadOnlyList<CurvePoint> points) => JsonSerializer.Serialize(points, JsonText.Relaxed);

    /// <param name="result">The allocation.</param>
    /// <param name="estimator">Name of the estimator that was asked for.</param>
    /// <param name="writtenAs">What activations are written as, see <see cref="Pipeline.WrittenAs"/>.</param>
    /// <param name="output">Path of the written file, or null.</param>
    /// <param name="measuredLoss">Loss increase measured on the written file, or null where that is not done.</param>
    /// <param name="parity">How close the written file is to its simulation, or null where that is not checked.</param>
    /// <param name="biases">What corrected biases gain, or null where none are or that is not measured.</param>
    /// <param name="scales">Units of the outputs, or null where the loss needs none. Shape: [outputs].</param>
    public static string Of(
        AllocationResult result, string estimator, string writtenAs, string? output = null, double? measuredLoss = null,
        ParityResult? parity = null, BiasEffect? biases = null, IReadOnlyList<OutputScale>? scales = null) =>
        AllocationFile.Of(new AllocationOutcome(result, estimator, writtenAs)
        {
            Output = output,
            MeasuredLoss = measuredLoss,
            Parity = parity,
            Biases = biases,
            Scales = scales,
        });
}
