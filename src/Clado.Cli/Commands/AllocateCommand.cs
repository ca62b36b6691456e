using Clado.Allocation;
using Clado.Cli.Options;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado allocate</c>: bits a layer, from what was measured.</summary>
internal static class AllocateCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (choosing, running, json) = (new ChoosingOptions(), new RunOptions(), CommonOptions.Json());
        var command = new Verb(
            "allocate",
            "Choose bits a layer for a budget, from what was measured.\n\nExample: clado allocate --run runs/resnet20 --budget 120KiB");
        choosing.AddToMeasured(command);
        running.AddTo(command);
        command.Add(OptionGroup.Output, json);
        command.Runs((parsed, cancellation) =>
        {
            var run = running.Open(parsed, terminal);
            var result = Allocate(terminal, run, choosing.Read(parsed), parsed.GetValue(json), terminal, cancellation);
            if (result is null)
            {
                return App.No;
            }
            if (result.Growth is { } growth)
            {
                terminal.Message($"note: {growth}");
            }
            if (parsed.GetValue(json))
            {
                terminal.Json(run.ToJson(result));
            }
            else
            {
                terminal.Show(result);
                terminal.ShowSummary(run, result);
            }
            return App.Done;
        });
        return command;
    }

    /// <summary>Allocates; null, said in a line, where the budget cannot be kept.</summary>
    public static AllocationResult? Allocate(
        Terminal terminal, MeasuredRun run, Choice choice, bool json, IProgress<StageProgress> job, CancellationToken cancellation)
    {
        var result = choice.IsPredicted
            ? run.Predict(choice.Budget, choice.Limits, cancellation)
            : run.Allocate(choice.Budget, choice.Limits, choice.Rounds, job, cancellation);
        return Refuse(terminal, result, json ? run.ToJson : null) ? null : result;
    }

    /// <summary>The same; null, said in a line, also where the file would be larger than the model.</summary>
    public static AllocationResult? AllocateToWrite(
        Terminal terminal, MeasuredRun run, Choice choice, bool json, IProgress<StageProgress> job, CancellationToken cancellation)
    {
        var result = Allocate(terminal, run, choice, json, job, cancellation);
        return result is null || RefuseLarger(terminal, result, json ? run.ToJson : null) ? null : result;
    }

    /// <summary>Says that a file would be larger than the model, where that is so.</summary>
    /// <param name="terminal">Where it is said.</param>
    /// <param name="result">The answer.</param>
    /// <param name="json">Gives it as JSON; null where that is not asked for.</param>
    /// <returns>Whether it would.</returns>
    public static bool RefuseLarger(Terminal terminal, AllocationResult result, Func<AllocationResult, string>? json)
    {
        if (result.Growth is not { } growth)
        {
            return false;
        }
        if (json is not null)
        {
            terminal.Json(json(result));
        }
        terminal.Refuse($"not written: {growth}");
        return true;
    }

    /// <summary>Says that a budget cannot be kept, where that is so.</summary>
    /// <param name="terminal">Where it is said.</param>
    /// <param name="result">The answer.</param>
    /// <param name="json">Gives it as JSON; null where that is not asked for.</param>
    /// <returns>Whether it cannot be kept.</returns>
    public static bool Refuse(Terminal terminal, AllocationResult result, Func<AllocationResult, string>? json)
    {
        if (result.Chosen.Count > 0)
        {
            return false;
        }
        if (json is not null)
        {
            terminal.Json(json(result));
        }
        terminal.Refuse(result.Infeasibility!);
        return true;
    }
}
