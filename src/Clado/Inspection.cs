using System.Text.Json;
using Clado.Activations;
using Clado.Allocation;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Losses;
using Clado.Onnx;
using Clado.Packing;
using Clado.Records;
using Clado.Rounding;
using Clado.Tasks;

namespace Clado;

/// <summary>What can be said of a model without images.</summary>
public sealed record Inspection
{
    /// <summary>Path of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Opset it was written for.</summary>
    public required int Opset { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>The layers that would be searched, in the order of execution. Shape: [layers].</summary>
    public required IReadOnlyList<QuantizableLayer> Layers { get; init; }

    /// <summary>What stays as it is, and why. Shape: [operations].</summary>
    public required IReadOnlyList<KeptOperation> Kept { get; init; }

    /// <summary>What of it is quantized already.</summary>
    public required QuantizedParts Quantized { get; init; }

    /// <summary>What it is for, as far as its structure tells, or as it was said; null where it cannot be measured.</summary>
    public NetworkTask? Task { get; init; }

    /// <summary>What it is for and why, in a sentence without its end; null where it cannot be measured.</summary>
    public string? TaskSentence { get; init; }

    /// <summary>Why it is taken for that, as the end of a sentence; null where it cannot be measured.</summary>
    public string? TaskReason { get; init; }

    /// <summary>Whether a quantized network is compared with this one by one set of classes an image.</summary>
    public bool IsClassifier => Task == NetworkTask.Classify;

    /// <summary>Outputs it is compared by: name, and shape an image; empty where it cannot be measured. Shape: [outputs].</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Outputs { get; init; } = [];

    /// <summary>Name of the image input.</summary>
    public string Input { get; init; } = "";

    /// <summary>Shape of the image input, null at a batch that is free. Shape: [rank].</summary>
    public IReadOnlyList<long?> InputShape { get; init; } = [];

    /// <summary>What was assumed of that where the file leaves something free, in sentences. Shape: [sentences].</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// Bytes of the smallest file that <see cref="PipelineOptions.DefaultBits"/> give, with activations of 8 bits; null where there is
    /// nothing to quantize.
    /// </summary>
    public long? SmallestBytes { get; init; }

    /// <summary>Name of the loss that a quantized network is compared by; null where it cannot be measured.</summary>
    public string? Loss { get; init; }

    /// <summary>Why it cannot be measured; null where it can.</summary>
    public string? Problem { get; init; }

    /// <summary>This as other programs read it; its keys are a contract.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            model = Model,
            opset = Opset,
            parameters = Layers.Sum(l => l.Parameters),
            macs = Layers.Sum(l => l.Macs),
            sizeBytes = SizeBytes,
            smallestBytes = SmallestBytes,
            input = Input,
            inputShape = InputShape,
            notes = Notes,
            outputs = Outputs.Select(o => new { o.Name, o.Shape }),
            task = Task is { } task ? TaskDecision.NameOf(task) : null,
            taskReason = TaskReason,
            loss = Loss,
            problem = Problem,
            activationGrids = Quantized.ActivationGrids,
            layers = Layers.Zip(Quantized.WeightBits, (l, bits) =>
                new { l.Name, l.Op, l.Shape, l.Parameters, l.Macs, l.Groups, GridBits = bits }),
            kept = Kept.Select(k => new { k.Name, k.Op, k.Reason, k.Constant, k.Bytes }),
            keptBytes = Kept.Sum(k => k.Bytes),
        },
        JsonText.Relaxed);

    /// <summary>Looks at a model.</summary>
    /// <param name="model">Path of the <c>.onnx</c> file.</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="preprocessing">How images would become inputs, which may say their size; null where that is not known.</param>
    /// <param name="task">What it is for; null to go by its structure.</param>
    /// <exception cref="CladoException">It is no usable model, or not for what it is said to be.</exception>
    public static Inspection Of(
        string model, InputOptions? inputs = null, Preprocessing? preprocessing = null, NetworkTask? task = null)
    {
        inputs ??= new();
        var graph = TaskFinder.Decide(Graph.Read(model, preprocessing?.Suggest(inputs) ?? inputs), task);
        var (layers, kept) = LayerFinder.Find(graph);
        var inspection = new Inspection
        {
            Model = graph.File,
            Opset = graph.OriginalOpset,
            SizeBytes = graph.FileSizeBytes,
            Layers = layers,
            Kept = kept,
            Quantized = QuantizedParts.Of(graph, layers),
            Input = graph.Input,
            InputShape = graph.InputShape.WithFreeBatch,
            Notes = graph.InputShape.Notes,
        };
        try
        {
            var readout = Readout.Of(graph);
            return inspection with
            {
                SmallestBytes = inspection.Layers.Count > 0 ? Smallest(graph) : null,
                Task = readout.Task,
                TaskSentence = readout.Decision.Sentence + (readout.Decision.IsCertain ? "" : "; its answers on images may tell more"),
                TaskReason = readout.Decision.Reason,
                Loss = LossKind.Of(readout, null).Name,
                Outputs = [.. readout.Outputs.Select(name => (name, graph.Tensors[name].Shape))],
            };
        }
        catch (OnnxFormatException e) when (task is null)
        {
            return inspection with { Problem = e.Message };
        }
    }

    private static long Smallest(Graph graph)
    {
        var space = CompactForms.Of(SearchSpace.Of(graph, PipelineOptions.DefaultBits, []), keepsNames: false);
        return BitAllocation.SmallestFile(
            UnroundedCandidates.Of(space), new FileSize(space.Graph, space.Layers.Layers, new ActivationOptions().On(graph).Format));
    }
}
