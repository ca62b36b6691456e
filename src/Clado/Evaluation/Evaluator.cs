using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;
using Clado.Tasks;

namespace Clado.Evaluation;

/// <summary>Runs a model file on images, on ONNX Runtime, as it lies on disk.</summary>
public static class Evaluator
{
    /// <summary>Evaluates a file.</summary>
    /// <param name="path">Path of the <c>.onnx</c> file.</param>
    /// <param name="options">The images, and what to compare with.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">
    /// A file cannot be used, model, reference and images do not fit together, or an output is NaN or infinite.
    /// </exception>
    public static EvaluationResult Evaluate(
        string path, EvaluationOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Evaluate(new EvaluatedFile(path), options, progress, cancellation);
    }

    /// <summary>Times files, one run of each after the other, so that what else the machine does meets all of them alike.</summary>
    /// <param name="paths">Paths of <c>.onnx</c> files that take inputs of one size. Shape: [files].</param>
    /// <param name="threads">Threads a run uses. Range: [1, inf).</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    /// <returns>Median time of a run of each file on one image, milliseconds. Shape: [files].</returns>
    /// <exception cref="CladoException">A file is no usable model.</exception>
    public static IReadOnlyList<double> MeasureLatency(
        IReadOnlyList<string> paths, int threads, InputOptions? inputs = null, CancellationToken cancellation = default) =>
        LatencyMeasurement.Measure(paths, threads, inputs: inputs, cancellation: cancellation);

    /// <summary>Evaluates a file, which may have no name yet, as above.</summary>
    /// <param name="file">The file.</param>
    /// <param name="options">The images, and what to compare with.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal static EvaluationResult Evaluate(
        EvaluatedFile file, EvaluationOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var images = ImageFolder.Open(options.Images).Limit(options.Limit, options.Seed).WithLabelOffset(options.LabelOffset);
        var work = new Workload(images, options.Preprocessing)
        {
            Resources = options.Resources,
            Progress = progress,
            Cancellation = cancellation,
        };
        var reference = options.Reference is null ? null : new ReferenceFile(options.Reference, options.Loss, options.Scales);
        return Evaluate(file, reference, options.Inputs, work, options.Task);
    }

    /// <summary>Evaluates a file on images that are open already.</summary>
    /// <param name="file">The file.</param>
    /// <param name="reference">What to compare with, or null.</param>
    /// <param name="inputs">Which input is the image, and values of the others.</param>
    /// <param name="work">Images to run.</param>
    /// <param name="task">What they are for; null to decide by the reference where there is one, else by the model.</param>
    /// <exception cref="CladoException">As above.</exception>
    internal static EvaluationResult Evaluate(
        EvaluatedFile file, ReferenceFile? reference, InputOptions inputs, Workload work, NetworkTask? task = null)
    {
        string[] paths = [.. new[] { file.Path, reference?.Path }.OfType<string>()];
        ModelProto[] models = [.. paths.Select(OnnxFile.Read)];
        var options = inputs.Of(models);
        List<Graph> graphs = [Graph.Read(paths[0], work.Preprocessing.Suggest(options[0]))];
        if (reference is not null)
        {
            graphs.Add(Graph.Read(reference.Path, graphs[0].SuggestSize(options[1])));
        }
        OutputSource[] sources = [file.Source(models[0]), .. models.Skip(1).Select(model => OutputSource.OfFile(reference!.Path, model))];
        // What the float model is for, the model made of it is for.
        var decision = reference?.Decision ?? Decide(graphs[^1], task, reference, work, sources[^1]);
        graphs = [.. graphs.Select(graph => graph.For(decision))];
        // The files themselves run, not our raised copies of them.
        using var runners = new OwnedList<ModelRunner>(graphs.Zip(models, sources).Select(
            one => ModelRunner.AsWritten(one.Second, one.First.Inputs, Readout.Of(one.First).In(one.First, one.Second), one.Third)));
        if (reference is not null && !HaveSameSizes(graphs, runners))
        {
            throw new CladoException($"{file.Name}: its inputs or outputs differ in size from those of the reference {reference.Path}; "
                + "give the FP32 model it was made from");
        }
        runners[0].Readout.CheckLabels(work.Images);
        var compared = reference is null ? null : new Reference(runners[1], Losses(graphs[1], runners[1], reference, work));
        var evaluated = new EvaluatedModel(file.Name, graphs[0].FileSizeBytes, runners[0]);
        return ModelEvaluation.Run(OneByOne(graphs), [evaluated], compared, work)[0] with
        {
            Task = runners[0].Readout.Task,
            TaskReason = runners[0].Readout.Decision.Reason,
            TaskSentence = runners[0].Readout.Decision.Sentence,
            InputShape = graphs[0].InputShape.WithFreeBatch,
            Notes = [.. graphs[0].InputShape.Notes, .. ImageNotes.Of(work.Images, graphs[0], work.Preprocessing)],
        };
    }

    /// <summary>What a network is for, on the images at hand.</summary>
    private static TaskDecision? Decide(Graph graph, NetworkTask? task, ReferenceFile? reference, Workload work, OutputSource source) =>
        TaskFinder.Decide(graph, task, work with { Progress = null }, LossKind.WantsClasses(reference?.Loss), source).Decision;

    /// <summary>The network whose images run one at a time, where there is one: the others do so with it.</summary>
    private static Graph OneByOne(List<Graph> graphs) => graphs.FirstOrDefault(graph => !graph.HasFreeBatch) ?? graphs[0];

    private static bool HaveSameSizes(List<Graph> graphs, OwnedList<ModelRunner> runners) =>
        runners[1].Readout.ElementCounts.SequenceEqual(runners[0].Readout.ElementCounts)
        && graphs[1].Tensors[graphs[1].Input].Shape.SequenceEqual(graphs[0].Tensors[graphs[0].Input].Shape);

    /// <summary>The loss over the reference; units that it needs and nobody gives are measured.</summary>
    private static LossFactory Losses(Graph graph, ModelRunner runner, ReferenceFile reference, Workload work)
    {
        var scales = reference.Scales;
        if (scales is null && LossKind.Of(runner.Readout, reference.Loss).NeedsScales)
        {
            scales = ScaleMeasurement.Measure(graph, runner, work with { Progress = null });
        }
        return new LossFactory(graph, runner.Readout, work.Images, reference.Loss, scales);
    }
}

/// <summary>A model file to evaluate.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Destination">The name it will have, which results and errors call it; null where it has it.</param>
internal sealed record EvaluatedFile(string Path, string? Destination = null)
{
    /// <summary>What results and errors call it.</summary>
    public string Name => Destination ?? Path;

    /// <summary>What errors about its outputs say.</summary>
    /// <param name="model">The model in it.</param>
    public OutputSource Source(ModelProto model) =>
        Destination is null ? OutputSource.OfFile(Path, model) : OutputSource.Unwritten(Destination);
}

/// <summary>The FP32 file to compare with, and in which loss.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Loss">Name of the loss; null to choose by the network.</param>
/// <param name="Scales">Units of the outputs; null to measure them on the images where the loss needs them. Shape: [outputs].</param>
internal sealed record ReferenceFile(string Path, string? Loss = null, IReadOnlyList<OutputScale>? Scales = null)
{
    /// <summary>What the network was decided to be for; null to decide.</summary>
    public TaskDecision? Decision { get; init; }
}
