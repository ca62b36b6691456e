using Clado.Layers;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a model.</summary>
internal static class ModelViews
{
    /// <summary>What was assumed of a model's input.</summary>
    public static void ShowNotes(this Terminal terminal, IEnumerable<string> notes)
    {
        foreach (var note in notes)
        {
            terminal.Message($"note: {note}");
        }
    }

    /// <summary>What a network is taken for, and why.</summary>
    public static void ShowTask(this Terminal terminal, string? sentence)
    {
        if (sentence is not null)
        {
            terminal.Message($"task: {sentence}");
        }
    }

    /// <summary>What a run takes its model and images for, once nothing refuses them.</summary>
    public static void Show(this Terminal terminal, PreparedRun prepared)
    {
        terminal.ShowTask(prepared.TaskSentence);
        terminal.ShowNotes(prepared.Notes);
    }

    public static void Show(this Terminal terminal, Inspection inspection)
    {
        var layers = inspection.Layers;
        var table = new TextTable(
            ("layer", false), ("op", false), ("shape", true), ("groups", true), ("parameters", true), ("MACs", true));
        foreach (var layer in layers)
        {
            table.Row(
                layer.Name, layer.Op, string.Join('×', layer.Shape.Select(d => Invariant($"{d}"))), $"{layer.Groups}",
                Invariant($"{layer.Parameters:N0}"), Invariant($"{layer.Macs:N0}"));
        }
        terminal.Show(table);
        terminal.Data(Invariant($"{inspection.Model}: opset {inspection.Opset}, {inspection.SizeBytes:N0} bytes, ")
            + Invariant($"{layers.Count} layers to quantize, ")
            + Invariant($"{layers.Sum(l => l.Parameters):N0} weights, {layers.Sum(l => l.Macs):N0} MACs an image"));
        var input = string.Join(", ", inspection.InputShape.Select(dim => dim is { } known ? Invariant($"{known}") : "N"));
        terminal.Data($"input '{inspection.Input}': [{input}]");
        if (inspection.Quantized.Description is { } quantized)
        {
            terminal.Data(quantized);
        }
        if (inspection.SmallestBytes is { } smallest)
        {
            terminal.Data(Invariant($"smallest file: {smallest:N0} bytes, {(double)smallest / inspection.SizeBytes:P1} of this one, ")
                + Invariant($"with widths of {string.Join(", ", PipelineOptions.DefaultBits)} bits and activations ")
                + (inspection.Quantized.ActivationGrids > 0 ? "on the grids they have" : "of 8"));
        }
        terminal.ShowKept(inspection.Kept, inspection.SizeBytes, "of the file");
        if (inspection.TaskSentence is { } sentence)
        {
            terminal.Data($"task: {sentence}");
        }
        string how = inspection.Loss switch
        {
            "kl" => inspection.IsClassifier ? "kl, as distributions over classes" : "kl, as distributions over classes at every place",
            "cosine" => "cosine, as a direction",
            // Their parts are not known before there are images.
            _ => "mse, a part in units of its own variance; clado measure finds its parts on the images",
        };
        foreach (var (name, shape) in inspection.Outputs)
        {
            terminal.Data($"output '{name}': [{string.Join(", ", shape.Select(d => Invariant($"{d}")))}] an image, compared by {how}");
        }
        terminal.ShowNotes(inspection.Notes);
        if (inspection.Problem is { } problem)
        {
            terminal.Message($"note: this model cannot be measured: {problem}");
        }
    }

    /// <summary>What of the network is not quantized, weights first, and why.</summary>
    /// <param name="terminal">Where it is said.</param>
    /// <param name="model">The model that was written of it.</param>
    public static void ShowKept(this Terminal terminal, DeployedModel model)
    {
        terminal.ShowKept(model.Kept, model.SizeBytes, "of the written file");
        terminal.ShowKept("computes in floats", model.FloatOperations);
    }

    private static void ShowKept(this Terminal terminal, IReadOnlyList<KeptOperation> kept, long sizeBytes, string of)
    {
        terminal.ShowKept("kept as float", kept);
        if (kept.Sum(k => k.Bytes) is > 0 and var bytes)
        {
            terminal.Data(Invariant($"constants that stay float: {bytes:N0} bytes, ")
                + $"{Terminal.Percent((double)bytes / sizeBytes)} {of}");
        }
    }

    private static void ShowKept(this Terminal terminal, string what, IReadOnlyList<KeptOperation> kept)
    {
        foreach (var group in kept.GroupBy(k => (k.Op, k.Reason)))
        {
            string[] nodes = [.. group.Select(k => k.Name).Distinct()];
            var names = string.Join(", ", nodes.Take(3)) + (nodes.Length > 3 ? ", …" : "");
            string bytes = group.Sum(k => k.Bytes) is > 0 and var sum ? Invariant($", {sum:N0} bytes") : "";
            terminal.Data($"{what}: {nodes.Length} × {group.Key.Op}, {group.Key.Reason}{bytes} ({names})");
        }
    }
}
