using Clado.Activations;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Candidates;
using Clado.Equalization;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Packing;
using Clado.Records;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado;

/// <summary>
/// A measured network: everything a choice of bits needs. Results are kept in the run folder; asked again, they cost nothing.
/// </summary>
public sealed partial class MeasuredRun
{
    // Gains after the fourth round were within noise wherever there was one (docs/decisions/2026-11-23-operating-point.md).
    private const int DefaultRounds = 4;

    /// <summary>Of more images, quantiles and agreements hardly differ.</summary>
    internal const int ImagesForRanges = 256;

    /// <summary>A kernel that is wrong is wrong on every image; what rounding may do is told by few.</summary>
    internal const int ImagesForParity = 64;

    private readonly RunFolder folder;
    private readonly MeasuredNetwork measured;
    private readonly SensitivityOptions options;
    private readonly Lazy<ImageSet> images;

    /// <summary>Brings together what was measured and how it is used from now on.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="measured">The network.</param>
    /// <param name="activations">What becomes of activations in written files.</param>
    /// <param name="resources">Threads and memory.</param>
    /// <param name="images">Opens the images of the run, once and only where they are needed.</param>
    /// <exception cref="RunFolderException">Candidates and matrix do not belong together.</exception>
    internal MeasuredRun(
        RunFolder folder, MeasuredNetwork measured, ActivationOptions activations, Resources resources, Func<ImageSet> images)
    {
        (this.folder, this.measured, this.images) = (folder, measured, new(images));
        (Activations, Resources, options) = (activations, resources, folder.Description.Sensitivity());
        var (candidates, sensitivity) = (measured.Candidates, measured.Sensitivity);
        if (candidates.Items.Count != sensitivity.CandidateCount)
        {
            throw new RunFolderException(
                folder.FolderPath,
                $"has {candidates.Items.Count} candidates and a matrix of {sensitivity.CandidateCount}; "
                + "remove the folder and measure again");
        }
        Scales = LossKind.Named(sensitivity.Loss).NeedsScales ? folder.ReadScales() : null;
        Plan = ActivationPlan.Of(Graph, Layers, activations.Format);
    }

    /// <summary>Path of the model.</summary>
    public string ModelPath => Graph.File;

    /// <summary>What holds of the model's input where its file leaves something free, in sentences. Shape: [sentences].</summary>
    public IReadOnlyList<string> Notes =>
    [
        .. folder.Description.InputShape is { } shape
            ? (string[])[$"the image input '{Graph.Input}' is {Graph.Inputs.Description}: {shape}, as it was measured"] : [],
        .. Graph.InputShape.Notes,
    ];

    /// <summary>Bytes of the model, with those of the files that have its data.</summary>
    public long ModelBytes => Graph.FileSizeBytes;

    /// <summary>What the network is for.</summary>
    public NetworkTask Task => Readout.Of(Graph).Task;

    /// <summary>What the network is for and why, in a sentence without its end.</summary>
    public string TaskSentence => Readout.Of(Graph).Decision.Sentence;

    /// <summary>Path of the run folder.</summary>
    public string RunPath => folder.FolderPath;

    /// <summary>Folder of the images that were measured on.</summary>
    public string ImagesPath => folder.Description.ImagesPath;

    /// <summary>The layers that are searched, in the order of execution. Shape: [layers].</summary>
    public IReadOnlyList<QuantizableLayer> Layers => measured.Space.Layers.Layers;

    /// <summary>What stays as it is in written files, operators and constants, and why. Shape: [kept].</summary>
    public IReadOnlyList<KeptOperation> Kept => KeptBy(Plan);

    /// <summary>Every layer at every width: the rows of the matrix. Shape: [candidates].</summary>
    public IReadOnlyList<Candidate> Candidates => measured.Candidates.Items;

    /// <summary>The matrix.</summary>
    public SensitivityMatrix Sensitivity => measured.Sensitivity;

    /// <summary>
    /// The units in which errors of the outputs are measured, for the run and whatever is evaluated of it; null where the loss needs none.
    /// Shape: [outputs].
    /// </summary>
    public IReadOnlyList<OutputScale>? Scales { get; }

    /// <summary>How channels were scaled, where that was asked for. Shape: [scaled tensors].</summary>
    public IReadOnlyList<ChannelScaling> Scalings => folder.ReadScalings() ?? [];

    /// <summary>Operations that compute in floats though activations are written as integers, and why. Shape: [operations].</summary>
    public IReadOnlyList<KeptOperation> FloatOperations => Plan?.Kept ?? [];

    /// <summary>Name of the estimator that was asked for.</summary>
    public string Estimator => options.Estimator;

    /// <summary>What activations are written as, and for which opset where it is not the usual one, in a word.</summary>
    public string WrittenAs => Activations.NameAt(Graph.Opset);

    /// <summary>What activations are written as, where it is not what the measurement was asked for; else null.</summary>
    public ActivationOptions? OtherActivations => Activations == folder.Description.WrittenActivations() ? null : Activations;

    /// <summary>Opset of written files, where it is not what the measurement was asked for; else null.</summary>
    public int? OtherOpset => Graph.Opset == folder.Description.Opset ? null : Graph.Opset;

    /// <summary>Whether written files have the names of the model, where it is not what the measurement was asked for; else null.</summary>
    public bool? OtherNames => KeepsNames == folder.Description.KeepNames ? null : KeepsNames;

    private bool KeepsNames => Graph.NamesInFile.Count == 0;

    /// <summary>Whether the model's own activation grids are removed.</summary>
    internal bool Requantizes => folder.Description.Requantize;

    /// <summary>The rows of the matrix, by layer.</summary>
    internal CandidateSet Rows => measured.Candidates;

    /// <summary>The network.</summary>
    internal Graph Graph => measured.Space.Graph;

    /// <summary>The network as it was given: what files are compared with.</summary>
    internal Graph Float => measured.Space.Float;

    /// <summary>What becomes of activations in written files.</summary>
    internal ActivationOptions Activations { get; }

    /// <summary>Which activations and biases are written as integers; null where all stay floats.</summary>
    internal ActivationPlan? Plan { get; }

    /// <summary>Threads and memory.</summary>
    internal Resources Resources { get; }

    /// <summary>Exact sizes of what is written.</summary>
    internal FileSize FileSize => FileSizeOf(Plan);

    /// <summary>Which input is the image, and values of the others.</summary>
    internal InputOptions Inputs => folder.Description.Inputs();

    /// <summary>How the run's images become inputs.</summary>
    internal Preprocessing Preprocessing => folder.Preprocessing;

    /// <summary>What is added to the class indices of the run's images.</summary>
    internal int LabelOffset => folder.Description.LabelOffset;

    /// <summary>Rounds where nobody says.</summary>
    private int OwnRounds => RoundsOf(options);

    /// <summary>The choice of least loss by a surrogate; nothing is measured for it.</summary>
    /// <param name="surrogate">What is minimised.</param>
    /// <param name="budget">Text of the budget.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">The budget is none.</exception>
    internal AllocationResult Solve(Surrogate surrogate, string budget, CancellationToken cancellation = default)
    {
        var parsed = Budget.Parse(budget, Graph.FileSizeBytes);
        return BitAllocation.Allocate(surrogate, Rows, FileSize, parsed, new AutomaticAllocator(), cancellation) with { Kept = Kept };
    }

    /// <summary>The run's images, for a stage.</summary>
    /// <param name="stage">Its name; null where nothing is reported.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">The images are not there or have changed.</exception>
    internal Workload On(string? stage, IProgress<StageProgress>? progress, CancellationToken cancellation) =>
        On(images.Value, stage, progress, cancellation);

    /// <summary>Images to evaluate networks on, checked against the network; what is to be said of them is reported.</summary>
    /// <param name="path">Their folder; null for the images of the run.</param>
    /// <param name="limit">How many of that folder at most; null for all. Range: [1, inf).</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <param name="labelOffset">What is added to their class indices; null for what the run adds to those of its own.</param>
    /// <param name="progress">Is told what is to be said of them.</param>
    /// <exception cref="CladoException">They cannot be used.</exception>
    internal ImageSet ImagesToEvaluate(string? path, int? limit, int seed, int? labelOffset, IProgress<StageProgress>? progress)
    {
        var set = images.Value;
        if (path is not null)
        {
            set = ImageFolder.Open(path).Limit(limit, seed);
            foreach (var note in ImageNotes.Of(set, Graph, folder.Preprocessing))
            {
                progress?.Report(new StageProgress("images", note, null));
            }
            set = set.WithLabelOffset(labelOffset ?? (set.IsLabelled ? folder.Description.LabelOffset : 0)).DecodedOnce();
        }
        var readout = Readout.Of(Graph);
        readout.CheckLabels(set);
        LossKind.Named(Sensitivity.Loss).Check(Graph, readout, set);
        return set;
    }

    /// <summary>Other images, for a stage.</summary>
    /// <param name="set">The images.</param>
    /// <param name="stage">Its name; null where nothing is reported.</param>
    /// <param name="progress">Receives the name of the stage and the share done.</param>
    /// <param name="cancellation">Stops.</param>
    internal Workload On(ImageSet set, string? stage, IProgress<StageProgress>? progress, CancellationToken cancellation) =>
        new(set, folder.Preprocessing)
        {
            Resources = Resources,
            Progress = stage is null ? null : StageShare.Begin(progress, stage),
            Cancellation = cancellation,
        };
}
