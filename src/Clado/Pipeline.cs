using Clado.Candidates;
using Clado.Equalization;
using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Layers;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
using Clado.Runs;

namespace Clado;

/// <summary>
/// From a model and images to a <see cref="MeasuredRun"/>. Each stage is a function of the products of earlier ones (docs/pipeline.md);
/// what took time lies in the run folder, and is not done again.
/// </summary>
public static class Pipeline
{
    /// <summary>Folder of the run folders that nobody named.</summary>
    public const string DefaultFolder = "clado-runs";

    /// <summary>Reads the model, makes the candidates and measures them.</summary>
    /// <param name="options">What to measure, and how.</param>
    /// <param name="progress">Receives the name of the stage and the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <exception cref="CladoException">Model, images, options or run folder cannot be used.</exception>
    public static MeasuredRun Measure(
        PipelineOptions options, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Measure(PreparedRun.Of(options), progress, cancellation);

    /// <summary>Makes the candidates and measures them.</summary>
    /// <param name="prepared">What to measure, read and checked.</param>
    /// <param name="progress">Receives the name of the stage and the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <exception cref="CladoException">An image is broken, or the run folder cannot be used.</exception>
    internal static MeasuredRun Measure(PreparedRun prepared, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        var folder = prepared.OpenFolder(NoticeOf(progress));
        var job = Job.Of(progress, () => prepared.Plans.Measuring(prepared, prepared.Unrounded));
        progress?.Report(new StageProgress("run folder", folder.FolderPath, null));
        var stages = new MeasuringStages(prepared, folder, job, cancellation);

        stages.CheckImages();
        var space = stages.Equalize();
        var scales = stages.MeasureScales(space.Graph);
        var candidates = stages.Round(space);
        var network = stages.RoundActivations(space);
        candidates = stages.Mix(space.Graph, network, candidates, scales);
        var sensitivity = stages.MeasureSensitivity(network, candidates, scales);
        job?.Finish(JobPart.Measuring);

        return new MeasuredRun(
            folder, new MeasuredNetwork(space, new(network), candidates, sensitivity),
            prepared.Options.Activations, prepared.Options.Resources, () => prepared.Images);
    }

    /// <summary>Opens a run folder whose measurement is finished.</summary>
    /// <param name="run">Path of the run folder.</param>
    /// <param name="options">How it is used from now on; null for what the measurement was asked for.</param>
    /// <param name="progress">Is told where something is damaged that is measured again, or the folder is read-only.</param>
    /// <exception cref="CladoException">
    /// The folder is no run folder, not finished or damaged, or the model it was measured on has changed.
    /// </exception>
    public static MeasuredRun Open(string run, OpenOptions? options = null, IProgress<StageProgress>? progress = null)
    {
        options ??= new();
        var folder = RunFolder.Open(run, NoticeOf(progress));
        var description = folder.Description;
        var sensitivity = folder.ReadSensitivity();
        var grids = description.Requantize ? GridHandling.Remove : GridHandling.Keep;
        var graph = Graph.Read(folder.ModelPath, description.Inputs(), options.Opset ?? description.Opset, grids);
        if (graph.Hash != description.ModelSha256)
        {
            throw new RunFolderException(
                run, $"was measured on another {description.ModelPath} than lies there now; put that model back or measure again");
        }
        graph = description.Decided(graph);
        var (space, candidates) = Opened(folder, graph, options.KeepNames ?? description.KeepNames);
        if (candidates is null)
        {
            throw new RunFolderException(
                run, $"has no candidates; {Settings.Measure}, with the options it was made with, makes them again");
        }
        graph = space.Graph;
        if (folder.ReadMixtures(candidates) is { } mixtures)
        {
            candidates = MixedCandidates.Add(graph, candidates, mixtures).WrittenFor(graph);
        }
        return new MeasuredRun(
            folder, new MeasuredNetwork(space, new(() => MeasuringStages.NetworkToMeasure(space, folder)), candidates, sensitivity),
            options.ActivationsOr(description.WrittenActivations()).On(graph), options.Resources, folder.Images);
    }

    /// <summary>The network of a run, its channels scaled as they were, and its candidates in the forms that they were made for.</summary>
    private static (SearchSpace Space, CandidateSet? Candidates) Opened(RunFolder folder, Graph graph, bool keepsNames)
    {
        SearchSpace Searched(Graph network) =>
            SearchSpace.Of(network, folder.Description.Bits, folder.Description.Pins) with { Float = graph };
        Graph Equalized(Graph network) => folder.ReadScalings() is { } scalings
            ? MeasuringStages.Equalized(network, PairFinder.Find(network, LayerFinder.Find(network).Layers), scalings, folder)
            : network;
        CandidateSet? Candidates(SearchSpace space) =>
            folder.ReadCandidates(space.Layers.Layers, space.Widths)?.WrittenFor(space.Graph);
        var compact = CompactForms.Of(Searched(graph), keepsNames);
        compact = CompactForms.Of(Searched(Equalized(compact.Graph)), keepsNames);
        if (Candidates(compact) is not { } candidates || CompactForms.Hold(compact.Graph, candidates))
        {
            return (compact, Candidates(compact));
        }
        // Earlier versions made candidates with any scales and biases.
        var plain = CompactForms.Named(Searched(Equalized(graph)), keepsNames);
        return (plain, Candidates(plain));
    }

    private static Action<string>? NoticeOf(IProgress<StageProgress>? progress) =>
        progress is null ? null : text => progress.Report(new StageProgress("run folder", text, null));
}
