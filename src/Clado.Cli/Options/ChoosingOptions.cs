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

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Budget, budget, operations, costs, maximumCost, sameBits);
        command.Add(OptionGroup.Measuring, rounds);
    }

    public Choice Read(ParseResult parsed) => new(
        parsed.GetRequiredValue(budget),
        new AllocationLimits
        {
            BitOperations = parsed.GetValue(operations),
            Costs = parsed.GetValue(costs) is { } table ? CostTable.Read(table) : null,
            MaximumCost = parsed.GetValue(maximumCost),
            SameWidth = parsed.GetValue(sameBits) ?? [],
        },
        parsed.GetValue(rounds) is < 0 and var count ? throw new CladoException(Invariant($"--rounds {count}: 0 or more are wanted"))
            : parsed.GetValue(rounds),
        [.. new[] { parsed.GetValue(costs) }.OfType<string>()]);
}

/// <summary>A choice as it is asked for.</summary>
/// <param name="Budget">Text of the budget.</param>
/// <param name="Limits">What else it must keep.</param>
/// <param name="Rounds">Rounds at most, or null for the default.</param>
/// <param name="Files">Files it was read from. Shape: [files].</param>
internal sealed record Choice(string Budget, AllocationLimits Limits, int? Rounds, IReadOnlyList<string> Files);
