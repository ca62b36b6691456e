using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>Runs a model file on images, on ONNX Runtime, as it lies on disk.</summary>
public static class Evaluator
{
    internal const int BatchSize = 32;

    /// <summary>Evaluates a file.</summary>
    /// <param name="path">Path of the <c>.onnx</c> file.</param>
    /// <param name="images">Images to run.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="reference">Path of the FP32 file to compare with, or null.</param>
    /// <param name="loss">Loss of the increase over the reference: kl, ce, mse; null to choose by the network.</param>
    /// <param name="threads">Batches side by side; results do not depend on it. Range: [1, inf).</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="scales">
    /// Units of the outputs for loss mse; null to measure them on these images, from the reference's outputs. Shape: [outputs].
    /// </param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">
    /// A file cannot be used, model, reference and images do not fit together, or an output is NaN or infinite.
    /// </exception>
    public static EvaluationResult Evaluate(
        string path, ImageSet images, Preprocessing preprocessing, string? reference, string? loss, int threads, InputOptions? inputs = null,
        IReadOnlyList<OutputScale>? scales = null, IProgress<double>? progress = null, CancellationToken cancellation = default) =>
        Evaluate(path, null, images, preprocessing, reference, loss, threads, inputs, scales, progress, cancellation);

    /// <summary>Evaluates a file, as above, that may have no name yet.</summary>
    /// <param name="path">Where the file lies.</param>
    /// <param name="destination">The name it will have, which results and errors call it; null where it has it.</param>
    /// <param name="images">Images to run.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <param name="reference">Path of the FP32 file to compare with, or null.</param>
    /// <param name="loss">Loss of the increase over the reference.</param>
    /// <param name="threads">Batches side by side.</param>
    /// <param name="inputs">Which input is the image, and values of the others.</param>
    /// <param name="scales">Units of the outputs for loss mse. Shape: [outputs].</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal static EvaluationResult Evaluate(
        string path, string? destination, ImageSet images, Preprocessing preprocessing, string? reference, string? loss, int threads, InputOptions? inputs,
        IReadOnlyList<OutputScale>? scales, IProgress<double>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(images);
        var files = new[] { path, reference }.OfType<string>().Select(OnnxFile.Read).ToArray();
        var own = (inputs ?? new()).Of(files);
        using var model = new ModelUnderTest(path, files[0], own[0], destination is null ? null : OutputSource.Unwritten(destination));
        using var compared = reference is null ? null : new ModelUnderTest(reference, files[1], own[1]);
        if (compared is not null && (!compared.Readout.ElementCounts.SequenceEqual(model.Readout.ElementCounts)
            || !compared.Graph.Tensors[compared.Graph.Input].Shape.SequenceEqual(model.Graph.Tensors[model.Graph.Input].Shape)))
        {
            throw new CladoException($"{destination ?? path}: its inputs or outputs differ in size from those of the reference {reference}; give the FP32 model it was made from");
        }
        bool scored = Tally.CanScore(images, model.Readout);
        if (compared is not null && scales is null && LossFactory.NameOf(compared.Readout, loss) == "mse")
        {
            scales = ScaleMeasurement.Measure(
                compared.Graph, compared.Readout, compared.Run,
                new Workload(images, preprocessing) { Resources = new() { Threads = threads }, Cancellation = cancellation });
        }
        var losses = compared is null ? null : new LossFactory(compared.Graph, compared.Readout, images, loss, scales);
        var batches = new ImageBatches(images, model.Graph, preprocessing, BatchSize);
        var tallies = new Tally[batches.Count];
        var work = new WorkProgress(batches.Count, progress);
        new SideBySide(threads, cancellation).For(batches.Count, index =>
        {
            var batch = batches.Load(index);
            var outputs = model.Run(batch);
            var tally = new Tally();
            if (scored)
            {
                tally.Score(outputs, batch.Labels!, model.Readout.ElementCount);
            }
            if (compared is not null)
            {
                var expected = compared.Run(batch);
                tally.Compare(outputs, expected, losses!.Create(expected, expected, batch), model.Readout);
            }
            tallies[index] = tally;
            work.Add(1);
        });
        return Tally.Sum(tallies, destination ?? path, model.Graph.FileSizeBytes, images, scored, compared?.Readout);
    }

    /// <summary>A model and the session that runs it.</summary>
    private sealed class ModelUnderTest : IDisposable
    {
        private readonly GraphSession session;
        private readonly OutputSource source;

        public ModelUnderTest(string path, ModelProto model, InputOptions inputs, OutputSource? named = null)
        {
            Graph = Graph.Read(path, inputs);
            Readout = Readout.Of(Graph);
            // The file itself runs, not our raised copy of it; only a final Softmax is read before it is taken.
            source = named ?? OutputSource.OfFile(path, model);
            model.Graph.Output.Clear();
            model.Graph.Output.Add(Readout.Outputs.Select(name => new ValueInfoProto { Name = name }));
            // As its users run it: a file that rounds its activations in integers, with the runtime's default options.
            session = new GraphSession(model, path, integers: model.RoundsActivations());
        }

        public Graph Graph { get; }

        public Readout Readout { get; }

        /// <summary>Outputs of a batch, all of an image together. Shape: [images · outputs].</summary>
        public float[] Run(ImageBatch batch)
        {
            using var feed = batch.Feed(Graph.Inputs);
            using var values = session.Run(feed);
            return Readout.Collect(values.Select(v => v.GetTensorDataAsSpan<float>().ToArray()), batch, source);
        }

        public void Dispose() => session.Dispose();
    }
}
