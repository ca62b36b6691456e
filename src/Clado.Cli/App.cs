using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Clado.Cli.Commands;
using Clado.Cli.Output;

namespace Clado.Cli;

/// <summary>The command line: exit code 0 done, 1 the answer is no, 2 error.</summary>
internal static class App
{
    public const int Done = 0;
    public const int No = 1;
    public const int Error = 2;

    /// <summary>Runs a command line.</summary>
    /// <param name="args">Its words. Shape: [words].</param>
    /// <param name="output">Receives data.</param>
    /// <param name="error">Receives progress and messages.</param>
    /// <param name="cancellation">Stops.</param>
    public static int Run(string[] args, TextWriter output, TextWriter error, CancellationToken cancellation = default)
    {
        var terminal = new Terminal(output, error);
        var root = Create(terminal);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var problem = parsed.UnmatchedTokens is [var unknown, ..] ? $"'{unknown}' is no command or option" : Problem(parsed.Errors[0]);
            var command = parsed.CommandResult.Command == root ? "" : $" {parsed.CommandResult.Command.Name}";
            error.WriteLine($"clado: {problem}; clado{command} --help shows how");
            return Error;
        }
        try
        {
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
        catch (Exception e) when (Expected(e) is { } message)
        {
            terminal.EndProgress();
            error.WriteLine($"clado: {Words.Of(message).ReplaceLineEndings(" ")}");
            return Error;
        }
    }

    /// <summary>The commands.</summary>
    /// <param name="terminal">Where their tables and messages go.</param>
    public static Command Create(Terminal terminal) => new Command(
        "clado",
        "Clado gives an ONNX vision model of the size you ask for: 2 to 8 bits a layer, "
        + "chosen by measuring how the layers' errors interact.")
    {
        QuantizeCommand.Create(terminal),
        InspectCommand.Create(terminal),
        MeasureCommand.Create(terminal),
        AllocateCommand.Create(terminal),
        ExportCommand.Create(terminal),
        SweepCommand.Create(terminal),
        EvaluateCommand.Create(terminal),
        CompareCommand.Create(terminal),
        ReportCommand.Create(terminal),
        DemoCommand.Create(terminal),
        new HelpOption { Recursive = true },
        new VersionOption(),
    };

    /// <summary>What is wrong with a word of the command line: the option's name first, no name of a type.</summary>
    private static string Problem(ParseError error)
    {
        var message = string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
        if (error.SymbolResult is not OptionResult { Option: var option, Tokens: [var token] }
            || message.Contains("required", StringComparison.OrdinalIgnoreCase))
        {
            return message;
        }
        bool namesAType = message.Contains("System.", StringComparison.Ordinal);
        return $"{option.Name} {token.Value}: {(namesAType ? "a whole number is wanted, not as large as that" : message)}";
    }

    /// <summary>The one line for errors that are the user's to mend; null for defects of this program, which keep their trace.</summary>
    private static string? Expected(Exception exception) => exception switch
    {
        CladoException e => e.Message,
        AggregateException e when e.Flatten().InnerExceptions is [var only, ..] => Expected(only),
        OperationCanceledException => StopSignals.Message,
        IOException or UnauthorizedAccessException => exception.Message,
        _ => null,
    };
}
