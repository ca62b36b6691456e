using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;

namespace Clado.Cli.Output;

/// <summary>What is wrong with a command line, before anything is done.</summary>
internal static class CommandLineProblem
{
    /// <summary>The problem in a sentence without its end; null where there is none.</summary>
    public static string? Of(ParseResult parsed)
    {
        var result = parsed.CommandResult;
        // What looks like an option and is none is taken for a file, or for too much.
        string[] files = [.. result.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)];
        if (files.Concat(parsed.UnmatchedTokens).FirstOrDefault(word => word.Length > 1 && word.StartsWith('-')) is { } option)
        {
            var known = result.Command.Options.Concat(parsed.RootCommandResult.Command.Options).SelectMany(o => o.Aliases.Prepend(o.Name));
            return $"'{option}' is no option{Spelling.Hint(option.Split('=')[0], known)}";
        }
        if (parsed.Errors is not [var error, ..])
        {
            return null;
        }
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            var verbs = result.Command.Subcommands.Select(verb => verb.Name).ToArray();
            return verbs.Length == 0 ? $"'{unknown}' is one word too many" : $"'{unknown}' is no command{Spelling.Hint(unknown, verbs)}";
        }
        return Of(error);
    }

    private static string Of(ParseError error)
    {
        var message = string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
        return error.SymbolResult switch
        {
            OptionResult { Option: var option, Tokens: [], IdentifierToken: null } => $"{option.Name} is missing",
            OptionResult { Option: var option, Tokens: [] } => $"{option.Name}: its value is missing",
            OptionResult { Option: var option, Tokens: [var token] } => $"{option.Name} {token.Value}: {Value(message, token.Value)}",
            OptionResult { Option: var option } => $"{option.Name}: is given more than once",
            ArgumentResult { Argument: var argument } => $"{argument.Name} is missing",
            CommandResult { Command: var command } when command.Options.FirstOrDefault(
                option => message.Contains($"'{option.Name}'", StringComparison.Ordinal)) is { } option => $"{option.Name} is missing",
            CommandResult { Command.Subcommands.Count: > 0 } => "a verb is missing",
            CommandResult { Command.Arguments: [var argument, ..] } => $"{argument.Name} is missing",
            _ => message,
        };
    }

    /// <summary>What is wrong with a value. What is said of types of .NET is said of numbers: other types say more themselves.</summary>
    private static string Value(string message, string value) => !message.Contains("System.", StringComparison.Ordinal) ? message
        : BigInteger.TryParse(value, out _) ? "the number is too large" : "a whole number is wanted";
}
