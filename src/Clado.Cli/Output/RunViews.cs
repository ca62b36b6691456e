using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of a measured run.</summary>
internal static class RunViews
{
    /// <summary>What the outputs consist of, where errors are measured in units of each part's own variance.</summary>
    public static void ShowScales(this Terminal terminal, MeasuredRun run)
    {
        foreach (var scale in run.Scales ?? [])
        {
            string whose = scale.Variances.Count == 1 ? "its" : "each part's own";
            terminal.Data($"output '{scale.Output}': {scale.Layout}, errors in units of {whose} variance over the images");
        }
    }

    /// <summary>What equalization changed and what that gained, a row a tensor.</summary>
    public static void ShowScalings(this Terminal terminal, MeasuredRun run)
    {
        if (run.Scalings.Count == 0)
        {
            return;
        }
        var table = new TextTable(
            ("channels of", false), ("read by", false), ("factors", true), ("channels scaled", true), ("output error", true));
        foreach (var s in run.Scalings)
        {
            table.Row(
                s.Tensor, string.Join(", ", s.Consumers), Invariant($"{s.Factors.Min():0.###} – {s.Factors.Max():0.###}"),
                $"{s.Factors.Count(f => f != 1)} of {s.Factors.Count}", Invariant($"{(s.ErrorRatio - 1) * 100:0} %"));
        }
        terminal.Show(table);
    }

    /// <summary>What corrected biases changed and what that gained.</summary>
    public static void Show(this Terminal terminal, BiasEffect? biases)
    {
        if (biases is { } b)
        {
            terminal.Data(Invariant($"biases of {b.Layers} layers were corrected, by {b.LargestChange:0.###} at most: ")
                + Invariant($"loss increase {b.UncorrectedLoss:0.0000} without, {b.CorrectedLoss:0.0000} with (activations in floats)"));
        }
    }

    /// <summary>Loss increase of every candidate alone, a row a layer.</summary>
    public static void ShowSensitivity(this Terminal terminal, MeasuredRun run)
    {
        var (candidates, matrix) = (run.Candidates, run.Sensitivity);
        int[] widths = [.. candidates.Select(c => c.Bits).Distinct().Order()];
        var table = new TextTable([("layer", false), ("weights", true), .. widths.Select(b => ($"{b} bits", true))]);
        foreach (var layer in run.Layers)
        {
            var rows = candidates.Index().Where(c => c.Item.Layer == layer && c.Item.RowBits is null)
                .ToDictionary(c => c.Item.Bits, c => c.Index);
            string Loss(int bits) => rows.TryGetValue(bits, out int row) ? Invariant($"{matrix.LossIncrease(row):0.000000}") : "";
            table.Row([layer.Name, Invariant($"{layer.Parameters:N0}"), .. widths.Select(Loss)]);
        }
        terminal.Show(table);
        string unit = matrix.Loss is "mse" or "cosine" ? "" : ", nats";
        terminal.Data(Invariant($"loss increase of each candidate alone, {matrix.Loss}{unit}, {matrix.ImageCount:N0} images, ")
            + $"{matrix.Estimator}; "
            + Invariant($"{matrix.NegativeSpectralMass:P1} of the spectrum is negative and was cut off"));
        string some = matrix.ForwardImages is { } images ? Invariant($", on {images:N0} of the images") : "";
        foreach (var check in matrix.Checks)
        {
            terminal.Data(Invariant($"checked forward, {check.CandidateCount} layers at {check.Bits} bits: loss increases add up to ")
                + Invariant($"{check.Measured:0.0000}, {check.Predicted:0.0000} by gradients")
                + (check.Agrees ? "" : $"; this width was measured forward{some}"));
        }
        terminal.ShowGains(run);
    }

    /// <summary>Says where a narrower width measured a lower loss than a wider one: noise, or chance gains of cross-entropy.</summary>
    public static void ShowGains(this Terminal terminal, MeasuredRun run)
    {
        var losses = run.Candidates.Index().Where(c => c.Item.RowBits is null)
            .Select(c => (c.Item.Layer, c.Item.Bits, Loss: run.Sensitivity.LossIncrease(c.Index)));
        var gains = losses.GroupBy(c => c.Layer)
            .SelectMany(own => own.Where(narrow => own.Any(wide => wide.Bits > narrow.Bits && wide.Loss > narrow.Loss)).Take(1)).ToArray();
        if (gains.Length > 0)
        {
            terminal.Message(
                $"note: {run.Sensitivity.Loss} measured a gain from a narrower width in {gains.Length} of {run.Layers.Count} layers "
                + $"(such as {gains[0].Layer.Name} at {gains[0].Bits} bits); a gain measured on few images is often chance, "
                + "and a wider width may then stay unchosen even where it fits");
        }
    }
}
