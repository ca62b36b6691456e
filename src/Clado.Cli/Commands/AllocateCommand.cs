using System.CommandLine;
using Clado.Allocation;
using Clado.Allocation.Solver;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado allocate</c>: bits a layer, from what was measured.</summary>
internal static class AllocateCommand
{
    public static Command Create(Terminal terminal)
    {
        var (run, budget, operations, json) = (CommonOptions.Run(required: true), CommonOptions.Budget(), CommonOptions.MaximumBitOperations(), CommonOptions.Json());
        var command = new Command("allocate", "Choose bits a layer for a budget, from what was measured.\n\nExample: clado allocate --run runs/resnet20 --budget 120KiB")
        {
            run, budget, operations, json,
        };
        command.Runs((parsed, cancellation) =>
        {
            var pipeline = Pipeline.Open(parsed.GetRequiredValue(run));
            var result = Allocate(terminal, pipeline, parsed.GetRequiredValue(budget), parsed.GetValue(operations), parsed.GetValue(json), cancellation);
            if (result is null)
            {
                return App.No;
            }
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(result, pipeline.Sensitivity.Estimator));
            }
            else
            {
                terminal.Show(result);
            }
            return App.Done;
        });
        return command;
    }

    /// <summary>Allocates and keeps the result in the run folder; null, said in a line, where the budget cannot be kept.</summary>
    public static AllocationResult? Allocate(
        Terminal terminal, Pipeline pipeline, string budget, long? bitOperations, bool json, CancellationToken cancellation)
    {
        var result = pipeline.Allocate(budget, bitOperations, cancellation);
        var text = Json.Of(result, pipeline.Sensitivity.Estimator);
        if (result.Status == AllocationStatus.Infeasible)
        {
            if (json)
            {
                terminal.Data(text);
            }
            terminal.Message($"clado: {Views.Infeasible(result)}");
            return null;
        }
        pipeline.Keep("allocation", result.Budget.Text, text);
        return result;
    }
}
