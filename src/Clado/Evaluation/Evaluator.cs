using Clado.Execution;
using Clado.Graphs;
using Clado.Graphs.Integers;
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
    /// <param name="provider">Where they run; images come from the processor's memory, and answers go back there.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    /// <returns>Median time of a run of each file on one image, milliseconds. Shape: [files].</returns>
    /// <exception cref="CladoException">A file is no usable model, or there is no GPU.</exception>
    public static IReadOnlyList<double> MeasureLatency(
        IReadOnlyList<string> paths, int threads, InputOptions? inputs = null, Provider provider = Provider.Cpu,
        CancellationToken cancellation = default) =>
        LatencyMeasurement.Measure(
            paths, threads, inputs: inputs, provider: Providers.Decide(provider).Provider, cancellation: cancellation);

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
        var reference = options.Reference is null ? null : new ReferenceFile(options.Reference, options.Loss, options.Scales)
        {
            ScoreThreshold = options.ScoreThreshold,
        };
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
        List<Graph> graphs = [Graph.Read(paths[0], work.Preprocessing.Suggest(options[0]), grids: GridHandling.Leave)];
        if (reference is not null)
        {
            var grids = reference.Requantize ? GridHandling.Remove : GridHandling.Leave;
            graphs.Add(Graph.Read(reference.Path, graphs[0].SuggestSize(options[1]), grids: grids));
        }
        OutputSource[] sources = [file.Source(models[0]), .. models.Skip(1).Select(model => OutputSource.OfFile(reference!.Path, model))];
        // What the float model is for, the model made of it is for.
        var decision = reference?.Decision ?? Decide(graphs[^1], task, reference, work, sources[^1]);
        graphs = [.. graphs.Select(graph => graph.For(decision))];
        // The files themselves run, not our raised copies of them, wherever they can. A network whose grids were removed lies in no file.
        RunnableFile[] files =
        [
            .. models.Zip(graphs, RunnableFile.Of)
                .Select((own, index) => index == 1 && reference!.Requantize ? new RunnableFile(graphs[1].Model, null) : own),
        ];
        var wholes = Wholes(graphs, files);
        Readout[] readouts =
            [.. graphs.Zip(files, wholes).Select(one => ReadoutOf(one.First, one.Third).In(one.First, one.Second.Model))];
        var measured = reference is null ? null : TaskOptions.Of(readouts[1], graphs[1], wholes[1], reference.ScoreThreshold);
        using var runners = new OwnedList<ModelRunner>(Enumerable.Range(0, graphs.Count).Select(i => ModelRunner.AsWritten(
            files[i].Model, graphs[i].Inputs, readouts[i], sources[i], measured is null ? null : wholes[i].Names)));
        if (reference is not null && !HaveSameSizes(graphs, wholes, runners))
        {
            throw new CladoException($"{file.Name}: its inputs or outputs differ in size from those of the reference {reference.Path}; "
                + "give the FP32 model it was made from");
        }
        runners[0].Readout.CheckLabels(work.Images);
        var compared = reference is null ? null : new Reference(runners[1], Losses(graphs[1], runners[1], reference, work), measured);
        var evaluated = new EvaluatedModel(file.Name, graphs[0].FileSizeBytes, runners[0]);
        return ModelEvaluation.Run(OneByOne(graphs), [evaluated], compared, work)[0] with
        {
            Task = readouts[0].Task,
            TaskReason = readouts[0].Decision.Reason,
            TaskSentence = readouts[0].Decision.Sentence,
            InputShape = graphs[0].InputShape.WithFreeBatch,
            Notes =
            [
                .. graphs[0].InputShape.Notes, .. files.Select(runnable => runnable.Note).OfType<string>(),
                .. ImageNotes.Of(work.Images, graphs[0], work.Preprocessing), .. NotesOf(readouts[0], reference),
            ],
        };
    }

    /// <summary>What a network is for, on the images at hand.</summary>
    private static TaskDecision? Decide(Graph graph, NetworkTask? task, ReferenceFile? reference, Workload work, OutputSource source) =>
        TaskFinder.Decide(graph, task, work with { Progress = null }, LossKind.WantsClasses(reference?.Loss), source).Decision;

    /// <summary>What is to be said of a model that labels say nothing of.</summary>
    private static IEnumerable<string> NotesOf(Readout readout, ReferenceFile? reference)
    {
        if (!readout.IsClassifier && reference is null)
        {
            yield return $"the model is no classifier ({readout.Decision.Name}), so labels say nothing of it: "
                + $"what it loses is measured against its FP32 model, {Settings.Reference}";
        }
        else if (reference is not null && readout.Outputs.Count == 0)
        {
            yield return "no loss increase is given, since no output of floats has a size that is the same for all images";
        }
    }

    /// <summary>The outputs of the models; what is read beside their own, both must have.</summary>
    private static WholeOutputs[] Wholes(List<Graph> graphs, RunnableFile[] files)
    {
        WholeOutputs[] found = [.. graphs.Zip(files, (graph, file) => WholeOutputs.Of(graph, file.Model))];
        return found.All(whole => whole.Selection == found[0].Selection) ? found : [.. found.Select(whole => whole.OwnOnly())];
    }

    /// <summary>Where a loss is read: nowhere, where nothing of a fixed size can be compared but the outputs as they are.</summary>
    private static Readout ReadoutOf(Graph graph, WholeOutputs whole)
    {
        try
        {
            return Readout.Of(graph);
        }
        catch (OnnxFormatException) when (whole.Own > 0)
        {
            return new Readout([], [], graph.Decision ?? new TaskDecision(NetworkTask.Regress, "nothing else is known of it"));
        }
    }

    /// <summary>The network whose images run one at a time, where there is one: the others do so with it.</summary>
    private static Graph OneByOne(List<Graph> graphs) => graphs.FirstOrDefault(graph => !graph.HasFreeBatch) ?? graphs[0];

    private static bool HaveSameSizes(List<Graph> graphs, WholeOutputs[] wholes, OwnedList<ModelRunner> runners) =>
        runners[1].Readout.ElementCounts.SequenceEqual(runners[0].Readout.ElementCounts)
        && wholes[0].Own == wholes[1].Own
        && graphs[1].Tensors[graphs[1].Input].Shape.SequenceEqual(graphs[0].Tensors[graphs[0].Input].Shape);

    /// <summary>The loss over the reference; units that it needs and nobody gives are measured.</summary>
    private static LossFactory? Losses(Graph graph, ModelRunner runner, ReferenceFile reference, Workload work)
    {
        if (runner.Readout.Outputs.Count == 0)
        {
            return null;
        }
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
    /// <summary>Whether it is the network in the file without the grids of its activations.</summary>
    public bool Requantize { get; init; }

    /// <summary>What the network was decided to be for; null to decide.</summary>
    public TaskDecision? Decision { get; init; }
    /// <summary>The least score of a detection that is compared. Range: (0, 1).</summary>
    public double ScoreThreshold { get; init; } = TaskOptions.DefaultScoreThreshold;
}
