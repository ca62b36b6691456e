using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>Evaluates several models that stand for one float network, against it.</summary>
internal static class ModelComparison
{
    /// <summary>Evaluates models as they would be written, byte for byte, on ONNX Runtime.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="models">Models with its inputs and outputs. Shape: [models].</param>
    /// <param name="loss">Name of the loss of the increase over the float network.</param>
    /// <param name="scales">Units of the outputs; null where the loss needs none. Shape: [outputs].</param>
    /// <param name="work">Images to run.</param>
    /// <returns>The float network's result, then the models' in their order. Shape: [1 + models].</returns>
    /// <exception cref="CladoException">Images or loss do not fit the network, or an output is NaN or infinite.</exception>
    public static IReadOnlyList<EvaluationResult> Evaluate(
        Graph graph, IReadOnlyList<ModelProto> models, string loss, IReadOnlyList<OutputScale>? scales, Workload work)
    {
        var readout = Readout.Of(graph);
        readout.CheckLabels(work.Images);
        var losses = new LossFactory(graph, readout, work.Images, loss, scales);
        var quantized = OutputSource.Quantized(graph.File);
        var whole = WholeOutputs.Of(graph, graph.Model);
        var measured = TaskOptions.Of(readout, graph, whole);
        var names = measured?.Outputs.Names;
        using var reference = new ModelRunner(graph, readout, OutputSource.Float(graph.File), names);
        using var runners = new OwnedList<ModelRunner>(
            models.Select(model => ModelRunner.AsWritten(model, graph.Inputs, readout, quantized, names)));
        EvaluatedModel[] evaluated =
        [
            new(graph.File, graph.FileSizeBytes, reference),
            .. models.Zip(runners, (model, runner) => new EvaluatedModel(graph.File, model.SizeBytes(), runner)),
        ];
        return ModelEvaluation.Run(graph, evaluated, new Reference(reference, losses, measured), work);
    }
}
