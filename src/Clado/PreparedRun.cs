using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Calibration;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Layers;
using Clado.Losses;
using Clado.Packing;
using Clado.Sensitivity;

namespace Clado;

/// <summary>What is about to be measured, as it was read: whatever can be known of model, images and options without measuring has been checked, and nothing written.</summary>
public sealed class PreparedRun
{
    // All codes are zero, sizes are those that the candidates will have.
    private readonly CandidateSet unrounded;

    private PreparedRun(PipelineOptions options, Graph graph, LayerSet layers, IReadOnlyList<IReadOnlyList<int>> widths, ImageSet images)
    {
        (Options, Graph, Layers, Widths, Images) = (options, graph, layers, widths, images);
        unrounded = new CandidateSet(layers.Layers, [.. layers.Layers.Zip(widths).SelectMany(pair =>
        {
            var (codes, scales) = (new sbyte[pair.First.Parameters], new float[pair.First.ChannelCount]);
            return pair.Second.Select(bits => new Candidate { Layer = pair.First, Bits = bits, Codes = codes, Scales = scales, SizeBytes = 0, SquaredError = 0 });
        })]).WrittenFor(graph);
    }

    /// <summary>What was asked for.</summary>
    public PipelineOptions Options { get; }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>What is searched, and what stays as it is.</summary>
    public LayerSet Layers { get; }

    /// <summary>Widths of each layer, ascending. Shape: [layers][widths].</summary>
    internal IReadOnlyList<IReadOnlyList<int>> Widths { get; }

    /// <summary>The images.</summary>
    public ImageSet Images { get; }

    /// <summary>What activations will be written as, and for which opset where it is not the usual one, in a word.</summary>
    public string WrittenAs => Options.Activations.NameAt(Graph.Opset);

    /// <summary>Reads and checks.</summary>
    /// <param name="options">What to measure, and how.</param>
    /// <exception cref="CladoException">Model, images and options cannot be used, or not together; the message says what, where and what to do.</exception>
    public static PreparedRun Of(PipelineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var graph = Graph.Read(options.Model, options.Inputs, options.Opset);
        var (layers, widths) = Pins.Apply(LayerFinder.Find(graph), options.Bits, options.Pins);
        var images = ImageFolder.Open(options.Images).Limit(options.Limit, options.Seed);
        var prepared = new PreparedRun(options, graph, layers, widths, images);
        _ = ImageShape.Of(graph, options.Preprocessing);
        var readout = Readout.Of(graph);
        _ = LossFactory.NameFor(graph, readout, images, options.Sensitivity.Loss);
        prepared.CheckFolder();
        prepared.CheckMemory(readout);
        return prepared;
    }

    /// <summary>Checks what evaluating on these images wants beyond measuring on them: classes, where they have some, that the network has too.</summary>
    /// <exception cref="CladoException">A class is beyond the network's.</exception>
    public void CheckLabels() => Readout.Of(Graph).CheckLabels(Images);

    /// <summary>Tries a budget on the sizes and costs alone: what it says of losses means nothing, but what is infeasible here stays so.</summary>
    /// <param name="budget">Text of the budget, see <see cref="Budget.Parse"/>.</param>
    /// <param name="limits">What else the choice must keep, or null.</param>
    /// <exception cref="CladoException">The budget or a limit is none, or does not fit the layers.</exception>
    public AllocationResult Try(string budget, AllocationLimits? limits = null)
    {
        var parsed = Budget.Parse(budget, Graph.FileSizeBytes, limits);
        var indifferent = new Surrogate { Name = "sizes", Matrix = new double[unrounded.Items.Count * unrounded.Items.Count] };
        return BitAllocation.Allocate(indifferent, unrounded, new FileSize(Graph, Layers.Layers, Options.Activations.Format), parsed, new AutomaticAllocator());
    }

    /// <summary>A run folder among class folders would itself be a class when the images are next read.</summary>
    private void CheckFolder()
    {
        var run = Path.GetFullPath(Options.Run ?? Pipeline.DefaultFolder);
        if (FolderPath.Holds(Path.GetFullPath(Images.Folder), run) && Images.Items.Any(i => i.Label is not null && i.Name.Contains('/', StringComparison.Ordinal)))
        {
            throw new CladoException($"{run}: the run folder would lie among the class folders of {Images.Folder}; give another place with --run");
        }
    }

    private void CheckMemory(Readout readout)
    {
        long memory = Options.Resources.MemoryBytes;
        if (Options.Run is { } run && File.Exists(Path.Combine(run, "sensitivity.safetensors")))
        {
            return;
        }
        if (Options.Rounding.NeedsInputs)
        {
            _ = InputMeasurement.Available(Graph, Layers.Layers, Options.Resources);
        }
        _ = new MemoryNeeds(new NetworkCuts(Graph, Layers.Layers, readout), unrounded).Plan(batchSize: 1, memory);
    }
}
