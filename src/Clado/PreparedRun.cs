using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
using Clado.Runs;
using Clado.Sensitivity;
using Clado.Tasks;
using Clado.Tuning;

namespace Clado;

/// <summary>
/// What is about to be measured, as it was read. Whatever can be known of model, images and options without measuring has been checked,
/// and nothing was written.
/// </summary>
public sealed partial class PreparedRun
{
    private readonly CandidateSet unrounded;
    private readonly NetworkCuts cuts;
    private readonly string? place;

    private PreparedRun(PipelineOptions options, SearchSpace space, ImageSet images, string? place)
    {
        (Options, Space, Images, this.place) = (options, space, images, place);
        unrounded = UnroundedCandidates.Of(space);
        cuts = new NetworkCuts(space.Graph, space.Layers.Layers, Readout.Of(space.Graph));
    }

    /// <summary>What was asked for.</summary>
    public PipelineOptions Options { get; }

    /// <summary>The network, its layers and their widths.</summary>
    internal SearchSpace Space { get; }

    /// <summary>The images.</summary>
    internal ImageSet Images { get; }

    /// <summary>
    /// What was assumed of the model's input where its file leaves something free, what is to be said of the images, and where networks run
    /// where that is no matter of course, in sentences. Shape: [sentences].
    /// </summary>
    public IReadOnlyList<string> Notes =>
    [
        .. Space.Graph.InputShape.Notes, .. ((string?[])[QuantizedNote, GradientNote]).OfType<string>(),
        .. ImageNotes.Of(Images, Space.Graph, Options.Preprocessing), .. place is null ? (string[])[] : [place],
    ];

    private string? QuantizedNote => QuantizedParts.Of(Space.Graph, Space.Layers.Layers).Description is not { } description ? null
        : Space.Graph.ActivationGrids == 0 ? description
        : $"{description}, which are kept; {Settings.Requantize} removes them";

    private string? GradientNote => Options.Sensitivity.IsAutomatic && Estimators.NoGradients(cuts) is { } reason
        ? $"it is measured forward, a pass a candidate: {reason}" : null;

    /// <summary>What the network is for.</summary>
    public NetworkTask Task => Readout.Of(Space.Graph).Task;

    /// <summary>What the network is for and why, in a sentence without its end.</summary>
    public string TaskSentence => Readout.Of(Space.Graph).Decision.Sentence;

    /// <summary>What activations will be written as, and for which opset where it is not the usual one, in a word.</summary>
    public string WrittenAs => Options.Activations.NameAt(Space.Graph.Opset);

    /// <summary>Reads and checks.</summary>
    /// <param name="options">What to measure, and how.</param>
    /// <exception cref="CladoException">Model, images and options cannot be used, or not together.</exception>
    public static PreparedRun Of(PipelineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        // Workers are processors, and so is who measures with them.
        bool isAlone = options.Resources.Machines is null || options.Provider != Provider.Auto;
        var (provider, place) = Providers.Decide(isAlone ? options.Provider : Provider.Cpu);
        options = options with { Provider = provider };
        var grids = options.Requantize ? GridHandling.Remove : GridHandling.Keep;
        var graph = Graph.Read(options.Model, options.Preprocessing.Suggest(options.Inputs), options.Opset, grids);
        options = options with { Activations = options.Activations.On(graph) };
        // Pins that fit nothing are known before any image is read.
        _ = SearchSpace.Of(graph, options.Bits, options.Pins);
        var images = ImageFolder.Open(options.Images).Limit(options.Limit, options.Seed).WithLabelOffset(options.LabelOffset).DecodedOnce();
        _ = ImageShape.Of(graph, options.Preprocessing);
        var work = new Workload(images, options.Preprocessing) { Resources = options.Resources };
        graph = TaskFinder.Decide(graph, options.Task, work, LossKind.WantsClasses(options.Loss));
        var space = CompactForms.Of(SearchSpace.Of(graph, options.Bits, options.Pins), options.KeepNames);
        var prepared = new PreparedRun(options, space, images, place);
        var readout = Readout.Of(graph);
        LossKind.Of(readout, options.Sensitivity.Loss).Check(graph, readout, images);
        prepared.CheckFolder();
        Estimators.For(options.Estimator, prepared.cuts).Check(prepared.cuts);
        prepared.CheckRows();
        prepared.CheckMemory();
        return prepared;
    }

    /// <summary>Checks what evaluating on these images wants: classes, where they have some, that the network has too.</summary>
    /// <exception cref="CladoException">A class is beyond the network's.</exception>
    public void CheckLabels() => Readout.Of(Space.Graph).CheckLabels(Images);

    /// <summary>Checks what tuning wants: images enough, and gradients.</summary>
    /// <param name="method">What will be asked for.</param>
    /// <exception cref="CladoException">They are not there.</exception>
    public void CheckTuning(TuningMethod method) => TuningStages.Check(method, Space, Images.Items.Count);

    /// <summary>
    /// Tries a budget on the sizes and costs alone. What it says of losses means nothing, but what is infeasible here stays so.
    /// </summary>
    /// <param name="budget">Text of the budget, see <see cref="Budget.Parse"/>.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <exception cref="CladoException">The budget or a limit is none, or does not fit the layers.</exception>
    public AllocationResult Try(string budget, AllocationLimits? limits = null)
    {
        var parsed = MeasuredRun.BudgetOf(budget, Space.Graph, Options.Activations, limits);
        var indifferent = new Surrogate { Name = "sizes", Matrix = new double[unrounded.Items.Count * unrounded.Items.Count] };
        var fileSize = new FileSize(Space.Graph, Space.Layers.Layers, Options.Activations.Format);
        var result = BitAllocation.Allocate(indifferent, unrounded, fileSize, parsed, new AutomaticAllocator());
        // This choice is not the one that measuring leads to: only what holds of all is said.
        bool isLarger = Growth.IsSure(result, Space.Graph);
        return result with { Kept = Kept, Growth = isLarger ? Growth.Of(result, Space, Options.Activations.Format) : null };
    }

    /// <summary>What stays as it is in written files. Shape: [kept].</summary>
    private IReadOnlyList<KeptOperation> Kept =>
        (ActivationPlan.Of(Space.Graph, Space.Layers.Layers, Options.Activations.Format)?.Written(Space.Graph, Space.Layers)
            ?? Space.Layers).Kept;

    /// <summary>An allocation as other programs read it, see <see cref="MeasuredRun.ToJson(AllocationResult)"/>.</summary>
    /// <param name="result">The allocation.</param>
    public string ToJson(AllocationResult result) =>
        AllocationFile.Of(new AllocationOutcome(result, Options.Estimator, WrittenAs)
        {
            Kept = Kept,
            Decision = Readout.Of(Space.Graph).Decision,
            ImagesUsed = Images.Items.Count,
            ImagesFound = Images.Found,
        });

    /// <summary>Makes the candidates and measures them; what the run folder has already is not done again.</summary>
    /// <param name="progress">Receives the name of the stage and the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops; what is finished is kept in the run folder.</param>
    /// <exception cref="CladoException">An image is broken, or the run folder cannot be used.</exception>
    public MeasuredRun Measure(IProgress<StageProgress>? progress = null, CancellationToken cancellation = default) =>
        Pipeline.Measure(this, progress, cancellation);

    /// <summary>Opens the run folder: that of the same measurement, where it was begun before.</summary>
    /// <param name="notice">Is told of what is damaged in it.</param>
    /// <exception cref="RunFolderException">It is of another run, or cannot be used.</exception>
    internal RunFolder OpenFolder(Action<string>? notice)
    {
        var description = Options.Describe(Space.Graph, Images);
        var name = $"{Path.GetFileNameWithoutExtension(Options.Model)}-{description.Key()}";
        return RunFolder.OpenOrCreate(Options.Run ?? Path.Combine(Pipeline.DefaultFolder, name), description, notice);
    }

    /// <summary>A run folder among class folders would itself be a class when the images are next read.</summary>
    private void CheckFolder()
    {
        var run = Path.GetFullPath(Options.Run ?? Pipeline.DefaultFolder);
        bool hasClassFolders = Images.Items.Any(i => i.Label is not null && i.Name.Contains('/', StringComparison.Ordinal));
        if (hasClassFolders && FolderPath.Holds(Path.GetFullPath(Images.Folder), run))
        {
            throw new CladoException(
                $"{run}: the run folder would lie among the class folders of {Images.Folder}; give another place with {Settings.Run}");
        }
    }

    private void CheckRows()
    {
        if ((Options.Rows || Options.MixesRows) && !Estimators.For(Options.Estimator, cuts).GoesBack)
        {
            var reason = Estimators.NoGradients(cuts) is { } none
                ? $"this network has none: {none}; leave it out"
                : $"{Settings.Estimator} {Options.Estimator} takes none; use {Settings.Estimator} fisher";
            var setting = Options.MixesRows ? $"{Settings.Granularity} {Options.Granularity}" : Settings.Rows;
            throw new CladoException($"{setting} wants gradients, and {reason}");
        }
    }

    private void CheckMemory()
    {
        if (Options.Run is { } run && File.Exists(Path.Combine(run, "sensitivity.safetensors")))
        {
            return;
        }
        var (graph, layers) = (Space.Graph, Space.Layers.Layers);
        if (RoundingMethods.Named(Options.Rounding).NeedsInputs)
        {
            _ = InputMeasurement.Available(graph, layers, Options.Resources);
        }
        var memory = Estimators.MemoryOf(Options.Estimator, cuts, unrounded);
        memory = Options.Rows || Options.MixesRows ? memory.WithRows(unrounded) : memory;
        // Where gradients do not describe changes, suffixes run beside them, and choices are measured around.
        memory = Options.Sensitivity.IsAutomatic ? memory with { IsWhole = false, Bytes = memory.Bytes + graph.FileSizeBytes } : memory;
        var needs = new MemoryNeeds(cuts, unrounded, memory, Options.Provider);
        _ = needs.Plan(batchSize: 1, Options.Resources.MemoryOn(Options.Provider));
    }
}
