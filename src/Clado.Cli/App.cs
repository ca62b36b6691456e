using System.CommandLine;
using System.CommandLine.Help;
using Clado.Cli.Commands;
using Clado.Cli.Output;

namespace Clado.Cli;

/// <summary>The command line: exit code 0 done, 1 the answer is no, 2 error, 130 stopped.</summary>
internal static class App
{
    public const int Done = 0;
    public const int No = 1;
    public const int Error = 2;

    /// <summary>As shells have it: 128, and the number of the signal that Ctrl-C sends.</summary>
    public const int Stopped = StopSignals.FirstCode + 2;

    private static readonly Option<bool> Quiet = new("--quiet", "-q")
    {
        Description = "Write the answer and errors, no notes and no progress",
        Recursive = true,
    };

    /// <summary>Runs a command line.</summary>
    /// <param name="args">Its words. Shape: [words].</param>
    /// <param name="output">Receives data.</param>
    /// <param name="error">Receives progress and messages.</param>
    /// <param name="width">Characters of a line; null for those of the windows, where there are any.</param>
    /// <param name="cancellation">Stops.</param>
    public static int Run(
        string[] args, TextWriter output, TextWriter error, int? width = null, CancellationToken cancellation = default)
    {
        using var terminal = new Terminal(output, error, width);
        var root = Create(terminal);
        var parsed = root.Parse(args);
        if (CommandLineProblem.Of(parsed) is { } problem)
        {
            var command = parsed.CommandResult.Command == root ? "" : $" {parsed.CommandResult.Command.Name}";
            terminal.Refuse($"{problem}; clado{command} --help shows how");
            return Error;
        }
        try
        {
            terminal.IsQuiet = parsed.GetValue(Quiet);
            // Signals are the program's own matter: see StopSignals.
            var configuration = new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return parsed.InvokeAsync(configuration, cancellation).GetAwaiter().GetResult();
        }
        catch (Exception e) when (Problems.Expected(e) is { } message)
        {
            terminal.Refuse(message);
            return Problems.IsStop(e) ? Stopped : Error;
        }
    }

    /// <summary>The commands.</summary>
    /// <param name="terminal">Where their tables and messages go.</param>
    public static Command Create(Terminal terminal)
    {
        var root = new Command(
            "clado",
            "Clado gives an ONNX vision model of the size you ask for: 2 to 8 bits a layer, "
            + "chosen by measuring how the layers' errors interact.\n\n"
            + "Example: clado quantize resnet20.onnx --images calibration --budget 120KiB");
        Verb[] verbs =
        [
            QuantizeCommand.Create(terminal), InspectCommand.Create(terminal), MeasureCommand.Create(terminal),
            AllocateCommand.Create(terminal), ExportCommand.Create(terminal), SweepCommand.Create(terminal),
            EvaluateCommand.Create(terminal), CompareCommand.Create(terminal), ReportCommand.Create(terminal),
            StudioCommand.Create(terminal), DemoCommand.Create(terminal), WorkerCommand.Create(terminal), WorkersCommand.Create(terminal),
            CompletionsCommand.Create(terminal, () => root),
        ];
        foreach (var verb in (Verb[])[.. verbs, HelpCommand.Create(terminal, verbs)])
        {
            root.Subcommands.Add(verb);
        }
        root.Options.Add(Quiet);
        root.Options.Add(new HelpOption { Recursive = true, Action = new HelpText.Action(terminal), Description = "Show help" });
        root.Options.Add(new VersionOption { Action = new VersionText(terminal), Description = "Show versions" });
        return root;
    }
}
