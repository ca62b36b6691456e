using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>
/// Evaluates several models that stand for one float network: every batch is decoded once and the float network runs on it once, however many are compared.
/// </summary>
internal static class ModelComparison
{
    /// <summary>Evaluates models as they would be written, byte for byte, on ONNX Runtime.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="models">Models with its inputs and outputs. Shape: [models].</param>
    /// <param name="images">Images to run.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="loss">Loss of the increase over the float network: kl, ce, mse.</param>
    /// <param name="scales">Units of the outputs, which mse needs; null with the others. Shape: [outputs].</param>
    /// <param name="threads">Batches side by side; results do not depend on it. Range: [1, inf).</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The float network's result, then the models' in their order. Shape: [1 + models].</returns>
    /// <exception cref="CladoException">Images or loss do not fit the network, or an output is NaN or infinite.</exception>
    public static IReadOnlyList<EvaluationResult> Evaluate(
        Graph graph, IReadOnlyList<ModelProto> models, ImageSet images, Preprocessing preprocessing, string loss,
        IReadOnlyList<OutputScale>? scales, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        var readout = Readout.Of(graph);
        bool scored = Tally.CanScore(images, readout);
        var losses = new LossFactory(graph, readout, images, loss, scales);
        var quantized = OutputSource.Quantized(graph.File);
        long[] sizes = [graph.FileSizeBytes, .. models.Select(m => m.SizeBytes())];
        using var reference = new NetworkOutputs(graph, readout, OutputSource.Float(graph.File));
        using var sessions = new OwnedList<GraphSession>(
            models.Select(model => new GraphSession(Reading(model, readout), graph.File, integers: model.RoundsActivations())));
        var batches = new ImageBatches(images, graph, preprocessing, Evaluator.BatchSize);
        var tallies = sizes.Select(_ => new Tally[batches.Count]).ToArray();
        var work = new WorkProgress(batches.Count, progress);
        void Measure(int index)
        {
            var batch = batches.Load(index);
            var expected = reference.Run(batch);
            var increase = losses.Create(expected, expected, batch);
            for (int network = 0; network < sizes.Length; network++)
            {
                var outputs = network == 0 ? expected : Run(sessions[network - 1], batch, readout, quantized);
                var tally = tallies[network][index] = new Tally();
                if (scored)
                {
                    tally.Score(outputs, batch.Labels!, readout.ElementCount);
                }
                tally.Compare(outputs, expected, increase, readout);
            }
            work.Add(1);
        }

        new SideBySide(threads, cancellation).For(batches.Count, Measure);
        return [.. tallies.Select((counts, network) => Tally.Sum(counts, graph.File, sizes[network], images, scored, readout))];
    }

    /// <summary>The model with the tensors as outputs that its answer is read from.</summary>
    private static ModelProto Reading(ModelProto model, Readout readout)
    {
        model = model.Clone();
        model.Graph.Output.Clear();
        model.Graph.Output.Add(readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
        return model;
    }

    private static float[] Run(GraphSession session, ImageBatch batch, Readout readout, OutputSource source)
    {
        using var feed = batch.Feed();
        using var values = session.Run(feed);
        return readout.Collect(values.Select(v => v.GetTensorDataAsSpan<float>().ToArray()), batch, source);
    }
}
