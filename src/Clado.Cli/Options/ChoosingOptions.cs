using System.CommandLine;
using Clado.Allocation;
using Clado.Cli.Commands;
using static System.FormattableString;

namespace Clado.Cli.Options;

/// <summary>What is chosen, and how hard it is looked for: shared by <c>allocate</c>, <c>export</c> and <c>quantize</c>.</summary>
internal sealed class ChoosingOptions
{
    private readonly Option<string> budget = CommonOptions.Budget();
    private readonly Option<long?> operations = CommonOptions.MaximumBitOperations();
    private readonly Option<int?> rounds = CommonOptions.Rounds();

    private readonly Option<string?> costs = new("--cost-table")
    {
        Description = "CSV file of layer,bits,cost: what a layer costs at a width in any unit; see --max-cost",
    };

    private readonly Option<long?> maximumCost = new("--max-cost") { Description = "What the layers' costs by --cost-table may add up to" };

    private readonly Option<string[]> sameBits = new("--same-bits")
    {
        Description = "NAME,NAME,…: layers that must get the same width, NAME with * and ?; may be repeated, once a group",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> pins = new("--pin")
    {
        Description = "NAME=BITS or NAME=BITS,BITS: which of the measured widths layers may get, NAME with * and ?; may be repeated, "
            + "and later ones win",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> predicted = new("--predicted")
    {
        Description = "Take the choice of least loss by the measured matrix alone: nothing more is measured for it, and no images are "
            + "needed",
    };

    /// <summary>Adds those of a verb that measures first: what is pinned, it pins then.</summary>
    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Budget, budget, operations, costs, maximumCost, sameBits);
        command.Add(OptionGroup.Measuring, rounds);
    }

    /// <summary>Adds those of a verb that takes what was measured.</summary>
    public void AddToMeasured(Verb command)
    {
        AddTo(command);
        command.Add(OptionGroup.Budget, pins);
        command.Add(OptionGroup.Measuring, predicted);
    }

    public Choice Read(ParseResult parsed) => new(
        parsed.GetRequiredValue(budget),
        new AllocationLimits
        {
            BitOperations = parsed.GetValue(operations),
            Costs = parsed.GetValue(costs) is { } table ? CostTable.Read(table) : null,
            MaximumCost = parsed.GetValue(maximumCost),
            SameWidth = parsed.GetValue(sameBits) ?? [],
            Pins = IsOf(parsed, pins) ? parsed.GetValue(pins) ?? [] : [],
        },
        parsed.GetValue(rounds) is < 0 and var count ? throw new CladoException(Invariant($"--rounds {count}: 0 or more are wanted"))
            : parsed.GetValue(rounds),
        IsOf(parsed, predicted) && parsed.GetValue(predicted),
        [.. new[] { parsed.GetValue(costs) }.OfType<string>()]);

    private static bool IsOf(ParseResult parsed, Option option) => parsed.CommandResult.Command.Options.Contains(option);
}

/// <summary>A choice as it is asked for.</summary>
/// <param name="Budget">Text of the budget.</param>
/// <param name="Limits">What else it must keep.</param>
/// <param name="Rounds">Rounds at most, or null for the default.</param>
/// <param name="IsPredicted">Whether nothing is measured for it.</param>
/// <param name="Files">Files it was read from. Shape: [files].</param>
internal sealed record Choice(string Budget, AllocationLimits Limits, int? Rounds, bool IsPredicted, IReadOnlyList<string> Files);
