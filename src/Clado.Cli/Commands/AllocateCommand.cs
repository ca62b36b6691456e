using System.CommandLine;
using Clado.Allocation;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado allocate</c>: bits a layer, from what was measured.</summary>
internal static class AllocateCommand
{
    public static Command Create(Terminal terminal)
    {
        var (run, choosing, resources, json) = (CommonOptions.Run(required: true), new CommonOptions.Choosing(), new CommonOptions.Resources(), CommonOptions.Json());
        var writing = new CommonOptions.Writing();
        var command = new Command("allocate", "Choose bits a layer for a budget, from what was measured.\n\nExample: clado allocate --run runs/resnet20 --budget 120KiB")
        {
            run,
        };
        choosing.AddTo(command);
        writing.AddTo(command);
        resources.AddTo(command);
        command.Options.Add(json);
        command.Runs((parsed, cancellation) =>
        {
            var pipeline = Pipeline.Open(parsed.GetRequiredValue(run), resources.Read(parsed), writing.Activations(parsed, parsed.GetValue(run)), writing.Opset(parsed), terminal);
            var result = Allocate(terminal, pipeline, choosing.Read(parsed), parsed.GetValue(json), cancellation);
            if (result is null)
            {
                return App.No;
            }
            if (parsed.GetValue(json))
            {
                terminal.Data(Json.Of(result, pipeline.Estimator, pipeline.WrittenAs));
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
        Terminal terminal, Pipeline pipeline, CommonOptions.Choice choice, bool json, CancellationToken cancellation)
    {
        var result = pipeline.Allocate(choice.Budget, choice.Limits, choice.Rounds, terminal, cancellation);
        if (Refuse(terminal, result, pipeline.Estimator, pipeline.WrittenAs, json))
        {
            return null;
        }
        pipeline.Keep("allocation", pipeline.NameOf(result, choice.Rounds), Json.Of(result, pipeline.Estimator, pipeline.WrittenAs));
        return result;
    }

    /// <summary>Says that a budget cannot be kept, where that is so.</summary>
    /// <returns>Whether it is.</returns>
    public static bool Refuse(Terminal terminal, AllocationResult result, string estimator, string writtenAs, bool json)
    {
        if (result.Chosen.Count > 0)
        {
            return false;
        }
        if (json)
        {
            terminal.Data(Json.Of(result, estimator, writtenAs));
        }
        terminal.Message($"clado: {Views.Infeasible(result)}");
        return true;
    }
}
