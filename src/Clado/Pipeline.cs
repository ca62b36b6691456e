using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Execution;
using Clado.Evaluation;
using Clado.Export;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
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
    private readonly Resources resources;
    private readonly ActivationOptions activations;

    private Pipeline(
        RunFolder folder, SensitivityOptions options, Resources resources, ActivationOptions activations, Graph graph, LayerSet layers, CandidateSet candidates, SensitivityMatrix sensitivity)
    {
        (this.folder, this.options, this.resources, this.activations) = (folder, options, resources, activations);
        (Graph, Layers, Candidates, Sensitivity) = (graph, layers, candidates, sensitivity);
        if (candidates.Items.Count != sensitivity.CandidateCount)
        {
            throw new RunFolderException(
                folder.FolderPath, $"has {candidates.Items.Count} candidates and a matrix of {sensitivity.CandidateCount}; remove the folder and measure again");
        }
        Scales = sensitivity.Loss == "mse" ? folder.ReadScales() : null;
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

    /// <summary>
    /// The units in which errors of the outputs are measured, for the run and whatever is evaluated of it; null where the loss needs none. Shape: [outputs].
    /// </summary>
    public IReadOnlyList<OutputScale>? Scales { get; }

    /// <summary>Which activations are written as 8-bit integers; null where all stay floats.</summary>
    public ActivationPlan? Plan { get; }

    /// <summary>Exact sizes of what is written.</summary>
    internal FileSize FileSize => new(Graph, Layers.Layers, activations.Format);

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    public string WrittenAs => activations.NameAt(Graph.Opset);

    /// <summary>Options of the command line that write the same from the run folder; empty where it would do so without them.</summary>
    internal string WritingOptions => (activations == folder.Description.WrittenActivations() ? ""
        : activations.Format == ActivationFormat.Float ? " --activations float" : $" --activations 8 --ranges {RunDescription.NameOf(activations.Ranges)}")
        + (Graph.Opset == folder.Description.Opset ? "" : $" --opset {Graph.Opset}");

    /// <summary>Rounds where nobody says.</summary>
    private int OwnRounds => options.IsAutomatic ? DefaultRounds : 0;

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
        Workload For(string stage) => new(images, options.Preprocessing)
        {
            Resources = options.Resources,
            Progress = StageShare.Of(progress, stage),
            Cancellation = cancellation,
        };
        var description = options.Describe(graph, images);
        var folder = RunFolder.OpenOrCreate(
            options.Run ?? Path.Combine(DefaultFolder, $"{Path.GetFileNameWithoutExtension(options.Model)}-{description.Key()}"), description, NoticeOf(progress));
        progress?.Report(new StageProgress("run folder", folder.FolderPath, null));
        if (folder.IsNew)
        {
            // An image that cannot be decoded is found before there is a folder that other images would no longer fit.
            ImageBatches.Check(graph, For("checking images"));
        }

        if (options.Equalize)
        {
            graph = Equalize(graph, folder, options, For("equalizing"));
            (layers, widths) = Pins.Apply(LayerFinder.Find(graph), options.Bits, options.Pins);
        }
        folder.WriteLayers(layers);
        var scales = Scale(graph, folder, options, For("measuring outputs"));
        var candidates = folder.ReadCandidates(layers.Layers, widths)?.WrittenFor(graph);
        if (candidates is null)
        {
            candidates = Round(graph, layers.Layers, widths, options, For("rounding"));
            folder.WriteCandidates(candidates);
        }
        // Allocating measures around choices, on the grids that the sensitivities were measured on.
        if (options.MeasuredActivations == ActivationFormat.Int8)
        {
            var plan = ActivationPlan.Of(graph, layers.Layers);
            if (folder.ReadRanges(plan.Ranges.Count) is null)
            {
                folder.WriteRanges(RangeMeasurement.Measure(
                    graph, plan, new ActivationOptions().Ranges, For("activation ranges").Limit(ImagesForRanges)));
            }
        }
        var inputs = new MeasurementInputs(
            Measured(graph, layers, folder), candidates, For("measuring") with { Images = options.Sensitivity.Seen(images) })
        {
            Scales = scales,
        };
        // Chosen once, by the machine that begins: it may change last bits.
        inputs = inputs with { BatchSize = folder.BatchSize(() => new MeasurementTask(inputs, [], options.Sensitivity).BatchSize()) };
        if (folder.IsMeasured)
        {
            folder.CheckRecords();
        }
        else
        {
            using var records = folder.OpenRecords(mustKeep: true);
            folder.WriteSensitivity(SensitivityMeasurement.Measure(
                inputs, [], options.Sensitivity, records));
        }
        return new Pipeline(folder, options.Sensitivity, options.Resources, options.Activations, graph, layers, candidates, folder.ReadSensitivity());
    }

    /// <summary>Opens a run folder whose measurement is finished.</summary>
    /// <param name="run">Path of the run folder.</param>
    /// <param name="resources">Threads and memory for what is measured from now on; null for the defaults. Estimator and loss are the folder's.</param>
    /// <param name="activations">What becomes of activations; null for what the measurement was asked to write.</param>
    /// <param name="opset">Opset of written files, 25 or 21; null for what the measurement was asked to write.</param>
    /// <param name="progress">Is told where something is damaged that is measured again, or the folder is read-only.</param>
    /// <exception cref="CladoException">The folder is no run folder, not finished or damaged, or the model it was measured on has changed.</exception>
    public static Pipeline Open(
        string run, Resources? resources = null, ActivationOptions? activations = null, int? opset = null, IProgress<StageProgress>? progress = null)
    {
        var folder = RunFolder.Open(run, NoticeOf(progress));
        var sensitivity = folder.ReadSensitivity();
        var graph = Graph.Read(folder.ModelPath, folder.Description.Inputs(), opset ?? folder.Description.Opset);
        if (graph.Hash != folder.Description.ModelSha256)
        {
            throw new RunFolderException(run, $"was measured on another {folder.Description.ModelPath} than lies there now; put that model back or measure again");
        }
        if (folder.ReadScalings() is { } scalings)
        {
            graph = Equalized(graph, folder, PairFinder.Find(graph, LayerFinder.Find(graph).Layers), scalings);
        }
        var (layers, widths) = Pins.Apply(LayerFinder.Find(graph), folder.Description.Bits, folder.Description.Pins);
        var candidates = folder.ReadCandidates(layers.Layers, widths)?.WrittenFor(graph)
            ?? throw new RunFolderException(run, "has no candidates; clado measure, with the options it was made with, makes them again");
        return new Pipeline(
            folder, folder.Description.Sensitivity(), resources ?? new(), activations ?? folder.Description.WrittenActivations(), graph, layers, candidates, sensitivity);
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
        int limit = rounds ?? OwnRounds;
        if (!options.IsAutomatic && limit == 0)
        {
            return BitAllocation.Allocate(Surrogate.Of(Sensitivity), Candidates, FileSize, parsed, new AutomaticAllocator(), cancellation);
        }
        var images = folder.Images();
        var inputs = new MeasurementInputs(Measured(Graph, Layers, folder), Candidates, Work(images, null, progress, cancellation))
        {
            Scales = Scales,
            BatchSize = folder.Description.BatchSize,
        };
        using var records = folder.OpenRecords(mustKeep: false);
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
        var replaced = quantized is null ? Graph : RoundedGraph.Of(Graph, quantized);
        var refined = CandidateMaker.MakeSequentially(
            Graph, replaced, Layers.Layers, [.. allocation.Chosen.Select(c => (IReadOnlyList<int>)[c.Bits])], new FeedbackRounding(),
            Work(folder.Images(), "refining", progress, cancellation));
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
            Graph, allocation.Chosen, Scales, Sensitivity.Loss, Work(folder.Images(), "measuring biases", progress, cancellation));
    }

    /// <summary>Finds the grids of 8-bit activations on the network with the chosen weights.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>What is written of activations; null where they stay floats.</returns>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public QuantizedActivations? MeasureRanges(IReadOnlyList<Candidate> chosen, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Plan is null ? null : new QuantizedActivations(Plan, RangeMeasurement.Measure(
            QuantizedGraph.Of(Graph, chosen), Plan, activations.Ranges,
            Work(folder.Images(), "activation ranges", progress, cancellation).Limit(ImagesForRanges)));

    /// <summary>Writes the quantized model, and gives it its name once its outputs are those of a simulation of its bits in floats.</summary>
    /// <param name="allocation">The chosen candidates.</param>
    /// <param name="path">Destination; what lies there is replaced by a sound file or left.</param>
    /// <param name="quantized">What is written of activations; null to measure it, where they do not stay floats.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; nothing is left then.</param>
    /// <returns>The file, of the size that the allocation said.</returns>
    /// <exception cref="CladoException">
    /// The destination is the float model itself; or the run's images are not there or have changed where they are needed for ranges; or the file computes something else than
    /// its bits say, which is a defect of Clado's or ONNX Runtime's.
    /// </exception>
    /// <exception cref="InvalidOperationException">The file's size is not the predicted one: a defect of this library.</exception>
    public ExportedModel Export(
        AllocationResult allocation, string path, QuantizedActivations? quantized = null, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return Export(allocation.Chosen, path, quantized ?? MeasureRanges(allocation.Chosen, progress, cancellation), progress, cancellation);
    }

    /// <summary>Writes a network of chosen candidates, as above.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="path">Destination.</param>
    /// <param name="quantized">What is written of activations; null where they stay floats.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; nothing is left then.</param>
    internal ExportedModel Export(
        IReadOnlyList<Candidate> chosen, string path, QuantizedActivations? quantized, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        using var staged = Stage(chosen, path, quantized, progress, cancellation);
        return staged.Commit();
    }

    /// <summary>Writes a network of chosen candidates beside its destination and looks at it, as above; it has no name yet.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="path">Destination.</param>
    /// <param name="quantized">What is written of activations; null where they stay floats.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops; nothing is left then.</param>
    internal StagedExport Stage(
        IReadOnlyList<Candidate> chosen, string path, QuantizedActivations? quantized, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        OnnxFile.ThrowIfLost(path, Graph.File);
        var staged = OnnxFile.Stage(ModelWriter.Build(Graph, chosen, quantized), path);
        try
        {
            FileSize.Check(path, staged.SizeBytes, chosen);
            var parity = Compare(OnnxFile.Read(staged.Path), path, chosen, quantized, ImagesForRanges, progress, cancellation);
            parity.ThrowIfBroken(path);
            return new StagedExport(staged, path, parity);
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }

    /// <summary>Compares a model with its simulation.</summary>
    /// <param name="written">The model, as it is or would be written.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    /// <param name="quantized">What was written of activations; null where they stayed floats.</param>
    /// <param name="images">Images to run at most.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal ParityResult Compare(
        ModelProto written, string name, IReadOnlyList<Candidate> chosen, QuantizedActivations? quantized, int images, IProgress<StageProgress>? progress,
        CancellationToken cancellation) => ParityCheck.Run(
            Graph, written, name, chosen, quantized, Scales, ParityImages(images, progress), resources.Threads, StageShare.Of(progress, "comparing with the simulation"), cancellation);

    /// <summary>Images to compare a file and its simulation on. Weights show on any input, so what needs no images otherwise does not need them for this.</summary>
    private ParityInputs ParityImages(int limit, IProgress<StageProgress>? progress)
    {
        try
        {
            return ParityInputs.Of(folder.Images().Limit(limit, 0), Graph, folder.Preprocessing);
        }
        catch (CladoException e)
        {
            progress?.Report(new StageProgress("comparing with the simulation on random inputs", e.Message, null));
            return ParityInputs.Random(Graph);
        }
    }

    /// <summary>Evaluates a written file on the images the sensitivities were measured on, against the float model.</summary>
    /// <param name="path">Path of the written file.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">The run's images are not there or have changed.</exception>
    public EvaluationResult Evaluate(string path, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) => Evaluator.Evaluate(
        path, folder.Images(), folder.Preprocessing, Graph.File, Sensitivity.Loss, resources.Threads, folder.Description.Inputs(), Scales,
        StageShare.Of(progress, "evaluating"), cancellation);

    /// <summary>Evaluates a file that has no name yet, as above.</summary>
    /// <param name="staged">The file.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">The run's images are not there or have changed, or an output is NaN or infinite on one of them.</exception>
    internal EvaluationResult Evaluate(StagedExport staged, IProgress<StageProgress>? progress, CancellationToken cancellation) => Evaluator.Evaluate(
        staged.Path, staged.Destination, folder.Images(), folder.Preprocessing, Graph.File, Sensitivity.Loss, resources.Threads, folder.Description.Inputs(), Scales,
        StageShare.Of(progress, "evaluating"), cancellation);

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
        return new Sweep(this, folder, resources, sweep, progress).Run(cancellation);
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
        return new Sweep(this, folder, resources, sweep, progress).FindSmallest(targetDrop, cancellation);
    }

    /// <summary>The networks of one width next to a size, measured on the run's images.</summary>
    /// <param name="sizeBytes">Bytes of the file to compare with.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The largest that is no larger and the smallest that is larger, as far as there are such. Shape: [1 to 2].</returns>
    public IReadOnlyList<CurvePoint> UniformAround(long sizeBytes, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        new Sweep(this, folder, resources, new SweepOptions(), progress).UniformAround(sizeBytes, cancellation);

    /// <summary>What tells an allocation in the run folder from others: its budget, what it is written as, and the rounds where they are not the default.</summary>
    /// <param name="result">The allocation.</param>
    /// <param name="rounds">Rounds as in <see cref="Allocate"/>.</param>
    public string NameOf(AllocationResult result, int? rounds)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Budget.Text + (WrittenAs == "8" ? "" : $"-{WrittenAs}") + (rounds is { } count && count != OwnRounds ? $"-rounds{count}" : "");
    }

    /// <summary>Keeps a result in the run folder; where nothing can be written there, that is said.</summary>
    /// <param name="stage">Name of the stage, such as allocation.</param>
    /// <param name="name">What tells it from others of its stage: a budget, a model.</param>
    /// <param name="json">The result.</param>
    public void Keep(string stage, string name, string json) => folder.WriteJson(stage, name, json);

    private Workload Work(ImageSet images, string? stage, IProgress<StageProgress>? progress, CancellationToken cancellation) =>
        new(images, folder.Preprocessing)
        {
            Resources = resources,
            Progress = stage is null ? null : StageShare.Of(progress, stage),
            Cancellation = cancellation,
        };

    /// <summary>The network whose losses are measured: its activations rounded, where that was asked for.</summary>
    private static Graph Measured(Graph graph, LayerSet layers, RunFolder folder)
    {
        var plan = ActivationPlan.Of(graph, layers.Layers);
        return folder.ReadRanges(plan.Ranges.Count) is { } ranges ? RoundedGraph.Of(graph, new QuantizedActivations(plan, ranges)) : graph;
    }

    private static Action<string>? NoticeOf(IProgress<StageProgress>? progress) =>
        progress is null ? null : text => progress.Report(new StageProgress("run folder", text, null));

    /// <summary>
    /// The units of the outputs, of the float network and all images of the run; null where the loss needs none. Shape: [outputs].
    /// </summary>
    private static IReadOnlyList<OutputScale>? Scale(
        Graph graph, RunFolder folder, PipelineOptions options, Workload work)
    {
        if (LossFactory.NameOf(Readout.Of(graph), options.Sensitivity.Loss) != "mse")
        {
            return null;
        }
        var scales = folder.ReadScales();
        if (scales is null)
        {
            scales = ScaleMeasurement.Measure(graph, work);
            folder.WriteScales(scales);
        }
        return scales;
    }

    private static Graph Equalize(
        Graph graph, RunFolder folder, PipelineOptions options, Workload work)
    {
        var pairs = PairFinder.Find(graph, LayerFinder.Find(graph).Layers);
        var scalings = folder.ReadScalings();
        if (scalings is null)
        {
            scalings = Equalizer.Choose(
                graph, pairs, options.Rounding, options.Bits[options.Bits.Count / 2], work);
            folder.WriteScalings(scalings);
        }
        return Equalized(graph, folder, pairs, scalings);
    }

    private static Graph Equalized(Graph graph, RunFolder folder, IReadOnlyList<ChannelPair> pairs, IReadOnlyList<ChannelScaling> scalings)
    {
        var stranger = scalings.FirstOrDefault(s => !pairs.Any(p => p.Tensor == s.Tensor && p.Channels == s.Factors.Count));
        return stranger is null
            ? EqualizedGraph.Of(graph, pairs, scalings)
            : throw new RunFolderException(
                folder.FolderPath, $"scales {stranger.Factors.Count} channels of '{stranger.Tensor}', which the model does not have; remove the folder and measure again");
    }

    private static CandidateSet Round(
        Graph graph, IReadOnlyList<QuantizableLayer> layers, IReadOnlyList<IReadOnlyList<int>> widths, PipelineOptions options, Workload work) =>
        options.Rounding.NeedsInputs && options.QuantizedInputs
            ? CandidateMaker.MakeSequentially(graph, graph, layers, widths, options.Rounding, work)
            : CandidateMaker.Make(graph, layers, widths, options.Rounding, work);
}
