using Clado.Allocation;
using Clado.Evaluation;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Sweeps;
using Spectre.Console;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of each product.</summary>
internal static class Views
{
    // Layers a line of the compact chart, and digits of a choice in a table.
    private const int ChartWidth = 64;
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    public static void Show(this Terminal terminal, Graph graph, LayerSet layers)
    {
        var table = Terminal.Table(("layer", false), ("op", false), ("shape", false), ("groups", true), ("parameters", true), ("MACs", true));
        foreach (var layer in layers.Layers)
        {
            Row(table, layer.Name, layer.Op, string.Join('×', layer.Shape.Select(d => Invariant($"{d}"))), $"{layer.Groups}", Invariant($"{layer.Parameters:N0}"), Invariant($"{layer.Macs:N0}"));
        }
        terminal.Show(table);
        terminal.Data(Invariant($"{graph.File}: opset {graph.OriginalOpset}, {graph.FileSizeBytes:N0} bytes, {layers.Layers.Count} layers to quantize, ")
            + Invariant($"{layers.Layers.Sum(l => l.Parameters):N0} weights, {layers.Layers.Sum(l => l.Macs):N0} MACs an image"));
        terminal.ShowKept(layers);
        terminal.ShowReadout(graph);
    }

    /// <summary>How a quantized network will be compared with the float one; its parts are not known before there are images.</summary>
    private static void ShowReadout(this Terminal terminal, Graph graph)
    {
        try
        {
            var readout = Readout.Of(graph);
            string how = readout.IsClassifier ? "kl" : "mse, a part in units of its own variance; clado measure finds its parts on the images";
            foreach (var output in readout.Outputs)
            {
                terminal.Data($"output '{output}': [{string.Join(", ", graph.Tensors[output].Shape.Select(d => Invariant($"{d}")))}] an image, compared by {how}");
            }
        }
        catch (OnnxFormatException e)
        {
            terminal.Message($"note: this model cannot be measured: {e.Message}");
        }
    }

    /// <summary>What the outputs consist of, where errors are measured in units of each part's own variance.</summary>
    public static void ShowScales(this Terminal terminal, Pipeline run)
    {
        foreach (var scale in run.Scales ?? [])
        {
            string whose = scale.Parts.Count == 1 ? "its" : "each part's own";
            terminal.Data($"output '{scale.Output}': {scale.Parts.Summary}, errors in units of {whose} variance over the images");
        }
    }

    /// <summary>What of the network is not quantized, weights first, and why.</summary>
    public static void ShowKept(this Terminal terminal, Pipeline run)
    {
        terminal.ShowKept(run.Layers);
        ShowKept(terminal, "computes in floats", run.Plan?.Kept ?? []);
    }

    public static void ShowKept(this Terminal terminal, LayerSet layers) => ShowKept(terminal, "kept as float", layers.Kept);

    private static void ShowKept(Terminal terminal, string what, IReadOnlyList<KeptOperation> kept)
    {
        foreach (var group in kept.GroupBy(k => (k.Op, k.Reason)))
        {
            terminal.Data($"{what}: {group.Count()} × {group.Key.Op}, {group.Key.Reason} ({string.Join(", ", group.Take(3).Select(k => k.Name))}{(group.Count() > 3 ? ", …" : "")})");
        }
    }

    /// <summary>What equalization changed and what that gained, a row a tensor.</summary>
    public static void ShowScalings(this Terminal terminal, Pipeline run)
    {
        if (run.Scalings.Count == 0)
        {
            return;
        }
        var table = Terminal.Table(("channels of", false), ("read by", false), ("factors", true), ("channels scaled", true), ("output error", true));
        foreach (var s in run.Scalings)
        {
            Row(table, s.Tensor, string.Join(", ", s.Consumers), Invariant($"{s.Factors.Min():0.###} – {s.Factors.Max():0.###}"),
                $"{s.Factors.Count(f => f != 1)} of {s.Factors.Count}", Invariant($"{(s.ErrorRatio - 1) * 100:0} %"));
        }
        terminal.Show(table);
    }

    /// <summary>What corrected biases changed and what that gained.</summary>
    public static void Show(this Terminal terminal, BiasEffect? biases)
    {
        if (biases is { } b)
        {
            terminal.Data(Invariant($"biases of {b.Layers} layers were corrected, by {b.LargestChange:0.###} at most: loss increase {b.UncorrectedLoss:0.0000} without, {b.CorrectedLoss:0.0000} with (activations in floats)"));
        }
    }

    /// <summary>Loss increase of every candidate alone, a row a layer.</summary>
    public static void ShowSensitivity(this Terminal terminal, Pipeline run)
    {
        int[] widths = [.. run.Candidates.Items.Select(c => c.Bits).Distinct().Order()];
        var table = Terminal.Table([("layer", false), ("weights", true), .. widths.Select(b => ($"{b} bits", true))]);
        foreach (var layer in run.Layers.Layers)
        {
            var rows = run.Candidates.Items.Select((c, row) => (c, row)).Where(p => p.c.Layer == layer).ToDictionary(p => p.c.Bits, p => p.row);
            Row(table, [layer.Name, Invariant($"{layer.Parameters:N0}"), .. widths.Select(b => rows.TryGetValue(b, out int row) ? Invariant($"{run.Sensitivity.LossIncrease(row):0.000000}") : "")]);
        }
        terminal.Show(table);
        var s = run.Sensitivity;
        terminal.Data(Invariant($"loss increase of each candidate alone, {s.Loss}{(s.Loss == "mse" ? "" : ", nats")}, {s.ImageCount:N0} images, {s.Estimator}; ")
            + Invariant($"{s.NegativeSpectralMass:P1} of the spectrum is negative and was cut off"));
        terminal.ShowGains(run);
    }

    /// <summary>Says where a narrower width measured a lower loss than a wider one: noise, or chance gains of cross-entropy.</summary>
    public static void ShowGains(this Terminal terminal, Pipeline run)
    {
        var gains = run.Candidates.Items.Select((c, row) => (c.Layer, c.Bits, Loss: run.Sensitivity.LossIncrease(row))).GroupBy(c => c.Layer)
            .SelectMany(g => g.Where(narrow => g.Any(wide => wide.Bits > narrow.Bits && wide.Loss > narrow.Loss)).Take(1)).ToArray();
        if (gains.Length > 0)
        {
            terminal.Message($"note: {run.Sensitivity.Loss} measured a gain from a narrower width in {gains.Length} of {run.Layers.Layers.Count} layers "
                + $"(such as {gains[0].Layer.Name} at {gains[0].Bits} bits); a gain measured on few images is often chance, and a wider width may then stay unchosen even where it fits");
        }
    }

    public static void Show(this Terminal terminal, AllocationResult result)
    {
        var table = Terminal.Table(("layer", false), ("bits", true), ("", false), ("weights", true), ("bytes", true));
        foreach (var c in result.Chosen)
        {
            Row(table, c.Layer.Name, $"{c.Bits}", new string('█', c.Bits), Invariant($"{c.Layer.Parameters:N0}"), Invariant($"{c.SizeBytes:N0}"));
        }
        terminal.Show(table);
        terminal.ShowTrials(result);
        terminal.Data(Invariant($"{result.SizeBytes:N0} bytes{(result.Budget.FileBytes is { } budget ? Invariant($" of {budget:N0}") : "")}, {result.BitsPerWeight:0.000} bits a weight, ")
            + Invariant($"predicted loss increase {result.PredictedLoss:0.0000}{(result.MeasuredLoss is { } measured ? Invariant($", measured {measured:0.0000}") : "")}; {Proof(result)}"));
    }

    /// <summary>What each surrogate proposed and what that was worth on the network; equal choices of a round in one line.</summary>
    private static void ShowTrials(this Terminal terminal, AllocationResult result)
    {
        if (result.Trials.Count == 0)
        {
            return;
        }
        var table = Terminal.Table(("round", true), ("surrogate", false), ("predicted", true), ("measured", true), ("held back", true), ("", false));
        foreach (var group in result.Trials.GroupBy(t => (t.Round, t.MeasuredLoss)))
        {
            var shown = group.FirstOrDefault(t => t.IsBest) ?? group.First();
            var name = shown.Surrogate + (group.Count() > 1 ? $" and {group.Count() - 1} more" : "");
            Row(table, $"{shown.Round}", name, Invariant($"{shown.PredictedLoss:0.0000}"), Invariant($"{shown.MeasuredLoss:0.0000}"),
                shown.HeldBackLoss is { } held ? Invariant($"{held:0.0000}") : "–", shown.IsBest ? "←" : "");
        }
        terminal.Show(table);
    }

    /// <summary>The one line for limits that cannot be kept: which, and what can.</summary>
    public static string Infeasible(AllocationResult result)
    {
        var text = result.Budget.Text[..^result.Budget.Limits.Suffix.Length];
        if (result.Unreachable is not { } limit)
        {
            return result.Status == AllocationStatus.Unknown
                ? $"--budget {text}: no choice that keeps all limits was found in time, and there may be none; loosen one of them"
                : $"--budget {text}: no choice of these widths keeps all limits; loosen one of them";
        }
        var beside = limit.Beside.Count == 0 ? "" : $" beside {string.Join(" and ", limit.Beside.Select(Option))}";
        if (limit.Kind == LimitKind.FileBytes)
        {
            return Invariant($"--budget {text}: no choice of these widths is that small; the smallest file is {result.SmallestBytes:N0} bytes ")
                + Invariant($"({RoundedUp(result.SmallestBitsPerWeight):0.00} bits a weight). Raise the budget, or allow narrower widths with --bits");
        }
        var (value, least) = limit.Kind == LimitKind.BitsPerWeight
            ? (Invariant($"{limit.Value}bit"), limit.Smallest is { } bits ? Invariant($"the least is {RoundedUp(bits):0.00} bits a weight") : null)
            : (Invariant($"{limit.Value:0}"), limit.Smallest is { } smallest ? Invariant($"the least they reach is {smallest:N0}") : null);
        return $"{Option(limit.Kind)} {value}: no choice of these widths keeps it{beside}; {least ?? "the least it could be is not known"}. "
            + $"Raise it{(limit.Beside.Count == 0 ? "" : ", or the other limits")}, or allow narrower widths with --bits";
    }

    /// <summary>A limit that can be kept when it is given back.</summary>
    private static double RoundedUp(double bits) => Math.Ceiling(bits * 100) / 100;

    private static string Option(LimitKind kind) => kind switch
    {
        LimitKind.BitOperations => "--max-bitops",
        LimitKind.Cost => "--max-cost",
        _ => "--budget",
    };

    public static void Show(this Terminal terminal, EvaluationResult result)
    {
        var table = Terminal.Table(("model", false), ("bytes", true), ("images", true), ("top-1", true), ("top-5", true), ("loss", true), ("agreement", true));
        Row(table, result.Model, Invariant($"{result.SizeBytes:N0}"), Invariant($"{result.Images:N0}"), Percent(result.Top1), Percent(result.Top5),
            result.Loss is { } loss ? Invariant($"{loss:0.0000}") : "–", Percent(result.Agreement));
        terminal.Show(table);
        if (result.LossIncrease is { } increase)
        {
            terminal.Data(Invariant($"loss increase over the reference: {increase:0.0000}"));
        }
        if (result.LatencyMilliseconds is { } time)
        {
            terminal.Data(Invariant($"{time:0.000} ms an image{(result.ReferenceLatencyMilliseconds is { } other ? Invariant($", the reference {other:0.000} ms: {other / time:0.00} times as fast") : "")}"));
        }
    }

    /// <summary>The size–accuracy curve, smallest file first.</summary>
    public static void Show(this Terminal terminal, Curve curve)
    {
        var table = Terminal.Table(
            ("method", false), ("budget", true), ("bytes", true), ("bits a weight", true), ("predicted", true), ("measured", true), ("top-1", true), ("agreement", true),
            ("gap", true), ("bits of each layer", false));
        foreach (var p in curve.Points)
        {
            var bits = string.Concat(p.Allocation.Values);
            Row(table, $"{p.Method}".ToLowerInvariant(), p.Budget, Invariant($"{p.SizeBytes:N0}"), Invariant($"{p.BitsPerWeight:0.00}"), Invariant($"{p.PredictedLoss:0.0000}"), Invariant($"{p.MeasuredLoss:0.0000}"),
                Percent(p.Top1), Percent(p.Agreement), p.Gap is { } gap ? Invariant($"{gap:P1}") : "–", bits.Length > ChartWidth ? bits[..(ChartWidth - 1)] + "…" : bits);
        }
        terminal.Show(table);
        terminal.Data(Invariant($"FP32: {curve.FloatBytes:N0} bytes{(curve.FloatTop1 is { } top1 ? $", top-1 {Percent(top1)}" : "")}; ")
            + Invariant($"evaluated on {curve.Images:N0} images of {curve.ImagesPath}"));
    }

    /// <summary>Bits of the layers from input to output, a column a layer, and the uniform widths next to the file's size.</summary>
    public static void ShowChart(this Terminal terminal, AllocationResult result, EvaluationResult evaluation, IReadOnlyList<CurvePoint> uniform)
    {
        terminal.Data("bits of each layer, from input to output:");
        foreach (var line in result.Chosen.Select(c => c.Bits).Chunk(ChartWidth))
        {
            terminal.Data("  " + string.Concat(line.Select(bits => Blocks[bits])));
            terminal.Data("  " + string.Concat(line));
        }
        var table = Terminal.Table(("at this size", false), ("bytes", true), ("bits a weight", true), ("measured loss", true), ("agreement", true));
        var rows = uniform.Select(p => (Name: "uniform " + p.Budget, p.SizeBytes, p.BitsPerWeight, Loss: p.MeasuredLoss, p.Agreement))
            .Append((Name: "this file", result.SizeBytes, result.BitsPerWeight, Loss: evaluation.LossIncrease, evaluation.Agreement));
        foreach (var row in rows.OrderBy(r => r.SizeBytes))
        {
            Row(table, row.Name, Invariant($"{row.SizeBytes:N0}"), Invariant($"{row.BitsPerWeight:0.00}"), Invariant($"{row.Loss:0.0000}"), Percent(row.Agreement));
        }
        terminal.Show(table);
    }

    public static void Show(this Terminal terminal, ParityResult parity) => terminal.Data(
        Invariant($"the written file against a simulation of its bits in floats, {parity.Images:N0} {(parity.OnImages ? "images" : "random inputs")}: ")
        + Invariant($"outputs differ by {parity.LargestDifference:0.######} at most (rounding explains {parity.Outputs.Max(o => o.AllowedLargest):0.######}), ")
        + Invariant($"{parity.MeanDifference:0.######} in the mean{(parity.Agreement is { } agreement ? Invariant($", top-1 agrees on {agreement:P1}") : "")}"));

    public static void Row(Table table, params IEnumerable<string> cells) => table.AddRow(cells.Select(c => new Text(c)));

    private static string Percent(double? share) => share is { } s ? Invariant($"{s * 100:0.00} %") : "–";

    private static string Proof(AllocationResult result) => result.Status == AllocationStatus.Optimal
        ? $"proven optimal for {result.Surrogate}"
        : Invariant($"proven to be at most {result.Gap:P1} above the best possible for {result.Surrogate}");
}
