using Clado.Layers;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a model.</summary>
internal static class ModelViews
{
    public static void Show(this Terminal terminal, Inspection inspection)
    {
        var layers = inspection.Layers.Layers;
        var table = Terminal.Table(
            ("layer", false), ("op", false), ("shape", false), ("groups", true), ("parameters", true), ("MACs", true));
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
        terminal.ShowKept(inspection.Layers, inspection.SizeBytes, "of the file");
        // Their parts are not known before there are images.
        string how = inspection.IsClassifier
            ? "kl"
            : "mse, a part in units of its own variance; clado measure finds its parts on the images";
        foreach (var (name, shape) in inspection.Outputs)
        {
            terminal.Data($"output '{name}': [{string.Join(", ", shape.Select(d => Invariant($"{d}")))}] an image, compared by {how}");
        }
        if (inspection.Problem is { } problem)
        {
            terminal.Message($"note: this model cannot be measured: {problem}");
        }
    }

    /// <summary>What of the network is not quantized, weights first, and why.</summary>
    /// <param name="terminal">Where it is said.</param>
    /// <param name="run">The run.</param>
    /// <param name="sizeBytes">Bytes of the file that was written of it.</param>
    public static void ShowKept(this Terminal terminal, MeasuredRun run, long sizeBytes)
    {
        terminal.ShowKept(run.WrittenLayers, sizeBytes, "of the written file");
        terminal.ShowKept("computes in floats", run.FloatOperations);
    }

    /// <summary>The largest constants that stay float, for who wonders where the bytes are; empty where there are none.</summary>
    public static string LargestKept(LayerSet layers)
    {
        const int Named = 3;
        string[] largest = [.. layers.Kept.Where(k => k.Bytes > 0).OrderByDescending(k => k.Bytes).Take(Named)
            .Select(k => Invariant($"'{k.Constant}' of {k.Op} '{k.Name}' ({k.Bytes:N0} bytes)"))];
        return largest.Length == 0 ? "" : Invariant($"{layers.KeptBytes:N0} bytes of it are constants that stay float, ")
            + $"the largest {string.Join(", ", largest)}";
    }

    private static void ShowKept(this Terminal terminal, LayerSet layers, long sizeBytes, string of)
    {
        terminal.ShowKept("kept as float", layers.Kept);
        if (layers.KeptBytes > 0)
        {
            terminal.Data(Invariant($"constants that stay float: {layers.KeptBytes:N0} bytes, ")
                + $"{Terminal.Percent((double)layers.KeptBytes / sizeBytes)} {of}");
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
