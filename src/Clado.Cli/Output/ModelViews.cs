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
        if (inspection.SmallestBytes is { } smallest)
        {
            terminal.Data(Invariant($"smallest file: {smallest:N0} bytes, {(double)smallest / inspection.SizeBytes:P1} of this one, ")
                + Invariant($"with widths of {string.Join(", ", PipelineOptions.DefaultBits)} bits and activations of 8"));
        }
        terminal.ShowKept("kept as float", inspection.Kept);
        // Their parts are not known before there are images.
        string how = inspection.IsClassifier
            ? "kl, as distributions over classes"
            : "mse, a part in units of its own variance; clado measure finds its parts on the images";
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
    public static void ShowKept(this Terminal terminal, MeasuredRun run)
    {
        terminal.ShowKept("kept as float", run.Kept);
        terminal.ShowKept("computes in floats", run.FloatOperations);
    }

    private static void ShowKept(this Terminal terminal, string what, IReadOnlyList<KeptOperation> kept)
    {
        foreach (var group in kept.GroupBy(k => (k.Op, k.Reason)))
        {
            var names = string.Join(", ", group.Take(3).Select(k => k.Name)) + (group.Count() > 3 ? ", …" : "");
            terminal.Data($"{what}: {group.Count()} × {group.Key.Op}, {group.Key.Reason} ({names})");
        }
    }
}
