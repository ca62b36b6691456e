using System.CommandLine;
using Clado.Cli.Commands;
using Clado.Cli.Output;

namespace Clado.Cli.Options;

/// <summary>A run folder that is opened, and how it is used: shared by <c>allocate</c>, <c>export</c> and <c>sweep</c>.</summary>
internal sealed class RunOptions
{
    private readonly Option<string> run = CommonOptions.Run(required: true);
    private readonly WritingOptions writing = new();
    private readonly ResourceOptions resources = new();
    private readonly MachineOptions machines = new();

    public void AddTo(Verb command)
    {
        command.Add(OptionGroup.Input, run);
        writing.AddTo(command);
        resources.AddTo(command);
        machines.AddTo(command);
    }

    /// <summary>Path of the folder.</summary>
    public string Path(ParseResult parsed) => parsed.GetRequiredValue(run);

    /// <summary>Opens it.</summary>
    public MeasuredRun Open(ParseResult parsed, Terminal terminal)
    {
        var own = resources.Read(parsed) with { Machines = machines.Connect(parsed, terminal) };
        var run = Pipeline.Open(Path(parsed), writing.Read(parsed) with { Resources = own }, terminal);
        terminal.ShowNotes(run.Notes);
        return run;
    }
}
