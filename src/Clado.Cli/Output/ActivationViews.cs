using Clado.Activations;
using static System.FormattableString;

namespace Clado.Cli.Output;

/// <summary>What a person sees of rounded activations.</summary>
internal static class ActivationViews
{
    // Tensors of a repair in the table; JSON has all.
    private const int MostTensors = 12;

    /// <summary>What was repaired of what activations cost.</summary>
    public static void ShowRepair(this Terminal terminal, ActivationEffect? activations)
    {
        if (activations?.Repair is { } repair)
        {
            terminal.Show(repair);
        }
    }

    /// <summary>That activations cost more than the weights, where they do.</summary>
    public static void ShowActivationHint(this Terminal terminal, ActivationEffect? activations)
    {
        if (activations is { CostsMost: true } effect)
        {
            terminal.Message(
                Invariant($"activations: they cost {effect.ActivationLoss:0.0000} of the loss increase, ")
                + Invariant($"the weights {effect.WeightLoss:0.0000}; ")
                + (effect.Repair is null
                    ? "--activations auto looks for grids and floats that cost less"
                    : Invariant($"on the {effect.Repair.Images:N0} images that they were repaired by, they cost less")));
        }
    }

    private static void Show(this Terminal terminal, RepairEffect repair)
    {
        var table = new TextTable(("activation", false), ("costs alone", true), ("written as", false));
        foreach (var tensor in repair.Tensors.Take(MostTensors))
        {
            table.Row(tensor.Name, Invariant($"{tensor.Loss:0.0000}"), tensor.WrittenAs);
        }
        terminal.Show(table);
        if (repair.Tensors.Count > MostTensors)
        {
            terminal.Data(Invariant($"and {repair.Tensors.Count - MostTensors:N0} more"));
        }
        terminal.Data(Invariant($"activations repaired, by {repair.Images:N0} images: loss increase {repair.LossBefore:0.0000} ")
            + Invariant($"with all of them on 8 bits, {repair.LossAfter:0.0000} as written, ")
            + Invariant($"{repair.WeightLoss:0.0000} with all in floats"));
        terminal.Data(Invariant($"the price: {repair.FloatMacs:P1} of the layers' MACs are computed in floats ")
            + Invariant($"({repair.FloatMacsBefore:P1} before)"));
    }
}
