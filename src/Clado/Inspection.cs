using System.Text.Json;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Records;

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

    /// <summary>What would be searched, and what stays as it is.</summary>
    public required LayerSet Layers { get; init; }

    /// <summary>Whether a quantized network is compared with this one by classes (kl), or by values (mse).</summary>
    public bool IsClassifier { get; init; }

    /// <summary>Outputs it is compared by: name, and shape an image; empty where it cannot be measured. Shape: [outputs].</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> Outputs { get; init; } = [];

    /// <summary>Why it cannot be measured; null where it can.</summary>
    public string? Problem { get; init; }

    /// <summary>This as other programs read it; its keys are a contract.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            model = Model,
            opset = Opset,
            parameters = Layers.Layers.Sum(l => l.Parameters),
            macs = Layers.Layers.Sum(l => l.Macs),
            sizeBytes = SizeBytes,
            layers = Layers.Layers.Select(l => new { l.Name, l.Op, l.Shape, l.Parameters, l.Macs, l.Groups }),
            kept = Layers.Kept.Select(k => new { k.Name, k.Op, k.Reason, k.Constant, k.Bytes }),
            keptBytes = Layers.KeptBytes,
        },
        JsonText.Relaxed);

    /// <summary>Looks at a model.</summary>
    /// <param name="model">Path of the <c>.onnx</c> file.</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <exception cref="CladoException">It is no usable model.</exception>
    public static Inspection Of(string model, InputOptions? inputs = null)
    {
        var graph = Graph.Read(model, inputs ?? new());
        var inspection = new Inspection
        {
            Model = graph.File,
            Opset = graph.OriginalOpset,
            SizeBytes = graph.FileSizeBytes,
            Layers = LayerFinder.Find(graph),
        };
        try
        {
            var readout = Readout.Of(graph);
            return inspection with
            {
                IsClassifier = readout.IsClassifier,
                Outputs = [.. readout.Outputs.Select(name => (name, graph.Tensors[name].Shape))],
            };
        }
        catch (OnnxFormatException e)
        {
            return inspection with { Problem = e.Message };
        }
    }
}
