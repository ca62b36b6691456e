using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Sweeps;

namespace Clado;

/// <summary>
/// A measured network: everything an allocation needs. The stages in their order; each is a function of the products of earlier ones, and what
/// took time lies in the run folder.
/// </summary>
public sealed class Pipeline
{
    // Gains after the fourth round were within noise wherever there was one (docs/decisions/2026-11-23-operating-point.md).
    private const int DefaultRounds = 4;

    // Of more images, quantiles and agreements hardly differ.
    private const int ImagesForRanges = 256;

    /// <summary>Folder of the run folders that nobody named.</summary>
    internal const string DefaultFolder = "clado-runs";

    private readonly RunFolder folder;
    private readonly SensitivityOptions options;
    private readonly ActivationOptions activations;

    private Pipeline(
        RunFolder folder, SensitivityOptions options, ActivationOptions activations, Graph graph, LayerSet layers, CandidateSet candidates, SensitivityMatrix sensitivity)
    {
        (this.folder, this.options, this.activations) = (folder, options, activations);
        (Graph, Layers, Candidates, Sensitivity) = (graph, layers, candidates, sensitivity);
        Plan = activations.Format == ActivationFormat.Int8 ? ActivationPlan.Of(graph, layers.Layers) : null;
    }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>What is searched, and what stays as it is.</summary>
    public LayerSet Layers { get; }

    /// <summary>Every layer at every width: the rows of the matrix.</summary>
    public CandidateSet Candidates { get; }

    /// <summary>The matrix.</summary>
    public SensitivityMatrix Sensitivity { get; }

    /// <summary>Which activations are written as 8-bit integers; null where all stay floats.</summary>
    public ActivationPlan? Plan { get; }

    /// <summary>Exact sizes of what is written.</summary>
    internal FileSize FileSize => new(Graph, Layers.Layers, activations.Format);

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    internal string WrittenAs => (activations.Format == ActivationFormat.Float ? "float"
        : activations.Ranges == RangeMethod.LeastSquares ? "8" : $"8-{activations.Ranges}".ToLowerInvariant())
        + (Graph.Opset == OpsetUpgrade.TargetOpset ? "" : $"-opset{Graph.Opset}");

    /// <summary>Name of the estimator that was asked for.</summary>
    public string Estimator => options.Estimator;

    /// <summary>How channels were scaled, where that was asked for. Shape: [scaled tensors].</summary>
    public IReadOnlyList<ChannelScaling> Scalings => folder.ReadScalings() ?? [];

    /// <summary>Folder of the images that were measured on.</summary>
    public string ImagesPath => folder.Description.ImagesPath;

    /// <summary>Path of the run folder.</summary>
    public string RunPath => folder.FolderPath;

    /// <summary>Reads the model, makes the candidates and measures them; what the run folder has already is not done again.</summary>
    /// <param name="options">What to measure, and how.</param>
    /// <param name="progress">Receives the name of the stage and the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <exception cref="CladoException">Model, images, options or run folder cannot be used; the message says what, where and what to do.</exception>
    public static Pipeline Measure(PipelineOptions options, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Measure(PreparedRun.Of(options), progress, cancellation);

    /// <summary>Makes the candidates and measures them; what the run folder has already is not done again.</summary>
    /// <param name="prepared">What to measure, read and checked.</param>
    /// <param name="progress">Receives the name of the stage and the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <exception cref="CladoException">An image is broken, or the run folder cannot be used; the message says what, where and what to do.</exception>
    public static Pipeline Measure(PreparedRun prepared, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        var (options, graph, images) = (prepared.Options, prepared.Graph, prepared.Images);
        var (layers, widths) = (prepared.Layers, prepared.Widths);
        var description = RunDescription.Of(options, graph, images);
        var folder = RunFolder.OpenOrCreate(
            options.Run ?? Path.Combine(DefaultFolder, $"{Path.GetFileNameWithoutExtension(options.Model)}-{description.Key()}"), description);
        progress?.Report(new StageProgress("run folder", folder.FolderPath, null));

        if (options.Equalize)
        {
            graph = Equalize(graph, folder, images, options, StageShare.Of(progress, "equalizing"), cancellation);
            (layers, widths) = Pins.Apply(LayerFinder.Find(graph), options.Bits, options.Pins);
        }
        folder.WriteLayers(layers);
        var candidates = folder.ReadCandidates(layers.Layers, widths)?.WrittenFor(graph);
        if (candidates is null)
        {
            candidates = Round(graph, layers.Layers, widths, images, options, StageShare.Of(progress, "rounding"), cancellation);
            folder.WriteCandidates(candidates);
        }
        if (!folder.IsMeasured)
        {
            if (options.MeasuredActivations == ActivationFormat.Int8 && folder.ReadRanges() is null)
            {
                folder.WriteRanges(RangeMeasurement.Measure(
                    graph, ActivationPlan.Of(graph, layers.Layers), images.Limit(ImagesForRanges, 0), options.Preprocessing, new ActivationOptions().Ranges,
                    options.Sensitivity.Threads, StageShare.Of(progress, "activation ranges"), cancellation));
            }
            using var records = new RecordStore(folder.RecordsPath);
            var inputs = new MeasurementInputs(Measured(graph, layers, folder), candidates, options.Sensitivity.Seen(images), options.Preprocessing);
            folder.WriteSensitivity(SensitivityMeasurement.Measure(
                inputs, [], options.Sensitivity, records, StageShare.Of(progress, "measuring"), cancellation));
        }
        return new Pipeline(folder, options.Sensitivity, options.Activations, graph, layers, candidates, folder.ReadSensitivity());
    }

    /// <summary>Opens a run folder whose measurement is finished.</summary>
    /// <param name="run">Path of the run folder.</param>
    /// <param name="resources">Threads and memory for what is measured from now on; null for the defaults. Estimator and loss are the folder's.</param>
    /// <param name="activations">What becomes of activations; null for what the measurement was asked to write.</param>
    /// <param name="opset">Opset of written files, 25 or 21; null for what the measurement was asked to write.</param>
    /// <exception cref="CladoException">The folder is no run folder or not finished, or the model it was measured on has changed.</exception>
    public static Pipeline Open(string run, SensitivityOptions? resources = null, ActivationOptions? activations = null, int? opset = null)
    {
        var folder = RunFolder.Open(run);
        var sensitivity = folder.ReadSensitivity();
        var graph = Graph.Read(folder.Description.ModelPath, folder.Description.Inputs(), opset ?? folder.Description.Opset);
        if (graph.Hash != folder.Description.ModelSha256)
        {
            throw new RunFolderException(run, $"was measured on another {folder.Description.ModelPath} than lies there now; put that model back or measure again");
        }
        if (folder.ReadScalings() is { } scalings)
        {
            graph = EqualizedGraph.Of(graph, PairFinder.Find(graph, LayerFinder.Find(graph).Layers), scalings);
        }
        var (layers, widths) = Pins.Apply(LayerFinder.Find(graph), folder.Description.Bits, folder.Description.Pins);
        var candidates = folder.ReadCandidates(layers.Layers, widths)?.WrittenFor(graph)
            ?? throw new RunFolderException(run, "has no candidates; remove the folder and measure again");
        return new Pipeline(
            folder, folder.Description.Sensitivity(resources ?? new()), activations ?? folder.Description.WrittenActivations(), graph, layers, candidates, sensitivity);
    }

    /// <summary>
    /// Chooses the bits of every layer. With the estimator auto several surrogates are solved and their choices measured on the network; then, as
    /// with any estimator where rounds are asked for, sensitivities are measured again around the best choice until that finds nothing better.
    /// What is measured goes into the run folder: the same budget again costs nothing.
    /// </summary>
    /// <param name="budget">Text of the budget, see <see cref="Budget.Parse"/>.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <param name="rounds">Rounds at most; null for 4 with the estimator auto, else 0. Range: [0, inf).</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; what is measured is kept in the run folder.</param>
    /// <exception cref="CladoException">The budget is none, or the run's images are not there or have changed.</exception>
    public AllocationResult Allocate(
        string budget, AllocationLimits? limits = null, int? rounds = null, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        var parsed = Budget.Parse(budget, Graph.FileSizeBytes, limits);
        int limit = rounds ?? (options.IsAutomatic ? DefaultRounds : 0);
        if (!options.IsAutomatic && limit == 0)
        {
            return BitAllocation.Allocate(Surrogate.Of(Sensitivity), Candidates, FileSize, parsed, new AutomaticAllocator(), cancellation);
        }
        var images = folder.Images();
        var inputs = new MeasurementInputs(Measured(Graph, Layers, folder), Candidates, images, folder.Preprocessing);
        using var records = new RecordStore(folder.RecordsPath);
        return new AllocationSearch(inputs, options.Seen(images), new ChoiceJudge(folder.Description.RoundsOnImages), FileSize, options, records, progress)
            .Find(options.IsAutomatic ? Surrogate.Portfolio(Sensitivity) : [Surrogate.Of(Sensitivity)], parsed, limit, cancellation);
    }

    /// <summary>
    /// Rounds every layer of an allocation again, now that all widths are known: one after the other, each on the inputs that the layers before it leave it, to
    /// give the float network's outputs.
    /// </summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="quantized">What is written of activations: layers then make good what that loses, too; null where they stay floats.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two layers.</param>
    /// <returns>The same widths and sizes with other codes; what was predicted of the loss is of the codes before.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public AllocationResult Refine(
        AllocationResult allocation, QuantizedActivations? quantized, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        var behind = quantized is null ? Graph : RoundedGraph.Of(Graph, quantized);
        var refined = CandidateMaker.MakeInTurn(
            Graph, behind, Layers.Layers, [.. allocation.Chosen.Select(c => (IReadOnlyList<int>)[c.Bits])], new FeedbackRounding(), folder.Images(),
            folder.Preprocessing, options.Threads, options.MemoryBytes, StageShare.Of(progress, "refining"), cancellation);
        return allocation with { Chosen = refined.Items };
    }

    /// <summary>Measures what corrected biases gain on the run's images.</summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>null where no bias was corrected.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public BiasEffect? MeasureBiases(AllocationResult allocation, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return BiasEffect.Measure(
            Graph, allocation.Chosen, folder.Images(), folder.Preprocessing, options with { Loss = Sensitivity.Loss }, StageShare.Of(progress, "measuring biases"), cancellation);
    }

    /// <summary>Finds the grids of 8-bit activations on the network with the chosen weights.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>What is written of activations; null where they stay floats.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public QuantizedActivations? MeasureRanges(IReadOnlyList<Candidate> chosen, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Plan is null ? null : new QuantizedActivations(Plan, RangeMeasurement.Measure(
            QuantizedGraph.Of(Graph, chosen), Plan, folder.Images().Limit(ImagesForRanges, 0), folder.Preprocessing, activations.Ranges, options.Threads,
            StageShare.Of(progress, "activation ranges"), cancellation));

    /// <summary>Writes the quantized model.</summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="path">Destination.</param>
    /// <param name="quantized">What is written of activations; null to measure it, where they do not stay floats.</param>
    /// <returns>Bytes of the file: those the allocation said.</returns>
    /// <exception cref="CladoException">The destination is the float model itself, or the run's images are not there or have changed.</exception>
    /// <exception cref="InvalidOperationException">The file's size is not the predicted one: a defect of this library.</exception>
    public long Export(AllocationResult allocation, string path, QuantizedActivations? quantized = null)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        if (Path.GetFullPath(path) == Path.GetFullPath(Graph.File))
        {
            throw new CladoException($"{path}: is the float model itself, which would be lost; give another file with -o");
        }
        long size = OnnxFile.Write(ModelWriter.Build(Graph, allocation.Chosen, quantized ?? MeasureRanges(allocation.Chosen)), path);
        // Beyond 2 GiB there are two files, whose sizes are not predicted.
        return size == allocation.SizeBytes || size > OnnxFile.MaximumSizeBytes
            ? size
            : throw new InvalidOperationException($"{path}: {size} bytes were written where {allocation.SizeBytes} were predicted");
    }

    /// <summary>Compares the outputs of a written file, as its users run it, with those of a simulation of the same bits in floats.</summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="path">Path of the written file.</param>
    /// <param name="quantized">What was written of activations; null where they stayed floats.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public ParityResult CheckParity(
        AllocationResult allocation, string path, QuantizedActivations? quantized, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return ParityCheck.Run(
            Graph, path, SimulatedModel.Build(Graph, allocation.Chosen, quantized), folder.Images().Limit(ImagesForRanges, 0), folder.Preprocessing, options.Threads,
            StageShare.Of(progress, "comparing with the simulation"), cancellation);
    }

    /// <summary>Evaluates a written file on the images the sensitivities were measured on, against the float model.</summary>
    /// <param name="path">Path of the written file.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public EvaluationResult Evaluate(string path, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) => Evaluator.Evaluate(
        path, folder.Images(), folder.Preprocessing, Graph.File, Sensitivity.Loss, options.Threads, folder.Description.Inputs(), StageShare.Of(progress, "evaluating"), cancellation);

    /// <summary>The size–accuracy curve: allocates for many budgets and evaluates what would be written; what the run folder has already is not done again.</summary>
    /// <param name="sweep">Budgets and evaluation images.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; finished points are kept in the run folder.</param>
    /// <returns>The curve, and the budgets that no choice keeps.</returns>
    /// <exception cref="CladoException">A budget or the images cannot be used.</exception>
    public (Curve Curve, IReadOnlyList<AllocationResult> Infeasible) Sweep(
        SweepOptions sweep, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        return new Sweep(this, folder, options, sweep, progress).Run(cancellation);
    }

    /// <summary>Looks for the smallest network that loses at most so many points of accuracy, by bisection along the curve; see <see cref="CurvePoint.Drop"/>.</summary>
    /// <param name="targetDrop">Points of top-1, or of agreement where there are no labels. Range: [0, 100].</param>
    /// <param name="sweep">Evaluation images; budgets are looked for.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; finished points are kept in the run folder.</param>
    /// <returns>The smallest point found, or null where none keeps the drop, and all points measured so far on these images.</returns>
    /// <exception cref="CladoException">The network is no classifier, or the images cannot be used.</exception>
    public (CurvePoint? Found, Curve Curve) FindSmallest(
        double targetDrop, SweepOptions sweep, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        return new Sweep(this, folder, options, sweep, progress).FindSmallest(targetDrop, cancellation);
    }

    /// <summary>The networks of one width next to a size, measured on the run's images.</summary>
    /// <param name="sizeBytes">Bytes of the file to compare with.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The largest that is no larger and the smallest that is larger, as far as there are such. Shape: [1 to 2].</returns>
    public IReadOnlyList<CurvePoint> UniformAround(long sizeBytes, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        new Sweep(this, folder, options, new SweepOptions(), progress).UniformAround(sizeBytes, cancellation);

    /// <summary>Keeps a result in the run folder.</summary>
    /// <param name="stage">Name of the stage, such as allocation.</param>
    /// <param name="name">What tells it from others of its stage: a budget, a model.</param>
    /// <param name="json">The result.</param>
    public void Keep(string stage, string name, string json) => folder.WriteJson(stage, name, json);

    /// <summary>The network whose losses are measured: its activations rounded, where that was asked for.</summary>
    private static Graph Measured(Graph graph, LayerSet layers, RunFolder folder) =>
        folder.ReadRanges() is { } ranges ? RoundedGraph.Of(graph, new QuantizedActivations(ActivationPlan.Of(graph, layers.Layers), ranges)) : graph;

    private static Graph Equalize(
        Graph graph, RunFolder folder, ImageSet images, PipelineOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var pairs = PairFinder.Find(graph, LayerFinder.Find(graph).Layers);
        var scalings = folder.ReadScalings();
        if (scalings is null)
        {
            scalings = Equalizer.Choose(
                graph, pairs, options.Rounding, options.Bits[options.Bits.Count / 2], images, options.Preprocessing, options.Sensitivity.Threads,
                options.Sensitivity.MemoryBytes, progress, cancellation);
            folder.WriteScalings(scalings);
        }
        return EqualizedGraph.Of(graph, pairs, scalings);
    }

    private static CandidateSet Round(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, ImageSet images, PipelineOptions options,
        IProgress<double>? progress, CancellationToken cancellation)
    {
        var (threads, memory) = (options.Sensitivity.Threads, options.Sensitivity.MemoryBytes);
        if (options.Rounding.NeedsInputs && options.QuantizedInputs)
        {
            return CandidateMaker.MakeInTurn(graph, graph, layers, widths, options.Rounding, images, options.Preprocessing, threads, memory, progress, cancellation);
        }
        var inputs = options.Rounding.NeedsInputs ? InputMeasurement.Measure(graph, layers, images, options.Preprocessing, threads, memory, cancellation) : null;
        return CandidateMaker.Make(graph, layers, widths, options.Rounding, inputs, threads, progress, cancellation);
    }
}
