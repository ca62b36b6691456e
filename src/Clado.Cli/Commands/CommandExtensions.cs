using System.CommandLine;
using System.CommandLine.Parsing;
using Clado.Cli.Options;
using Clado.Execution;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary>What all commands' actions have around them.</summary>
internal static class CommandExtensions
{
    private const string RunTimeout = "--run-timeout";

    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromMilliseconds(1), LongestTimeout = TimeSpan.FromDays(1);

    /// <summary>
    /// Runs a command's action with the token that a stop cancels, and runs of models within their limit.
    /// Options of text that are given without any are refused here for all commands:
    /// a path that is none would be taken for the current folder.
    /// </summary>
    public static void Runs(this Verb command, Func<ParseResult, CancellationToken, int> action, bool runsModels = true)
    {
        var timeout = new Option<double>(RunTimeout)
        {
            Description = "Seconds that a single run of a model may take, on a batch of images: models may loop for ever",
            DefaultValueFactory = _ => RunLimit.DefaultTimeout.TotalSeconds,
            CustomParser = CommonOptions.Number,
        };
        if (runsModels)
        {
            command.Add(OptionGroup.Measuring, timeout);
        }
        command.SetAction((parsed, cancellation) =>
        {
            foreach (var result in parsed.CommandResult.Children.Where(r => r.Tokens.Any(token => token.Value.Length == 0)))
            {
                var name = result switch
                {
                    OptionResult option => option.Option.Name,
                    ArgumentResult argument => argument.Argument.Name,
                    _ => command.Name,
                };
                throw new CladoException($"{name} \"\": is empty; give a value or leave it out");
            }
            using var limit = RunLimit.Enter(runsModels ? TimeoutOf(parsed) : RunLimit.DefaultTimeout, cancellation);
            return Task.FromResult(action(parsed, cancellation));
        });
    }

    /// <summary>How long a run of a model may take, of a command that runs some.</summary>
    public static TimeSpan TimeoutOf(ParseResult parsed)
    {
        double seconds = parsed.GetValue<double>(RunTimeout);
        return seconds >= ShortestTimeout.TotalSeconds && seconds <= LongestTimeout.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new CladoException($"{RunTimeout} {parsed.GetResult(RunTimeout)!.Tokens[0].Value}: "
                + Invariant($"{ShortestTimeout.TotalSeconds} to {LongestTimeout.TotalSeconds:0} seconds are wanted"));
    }
}
