using System.CommandLine;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado help</c>: what all verbs do, or all about one.</summary>
internal static class HelpCommand
{
    public static Verb Create(Terminal terminal, IReadOnlyList<Verb> others)
    {
        var verb = new Argument<string?>("VERB") { Description = "The verb", Arity = ArgumentArity.ZeroOrOne };
        var command = new Verb("help", "What all verbs do, or all about one.\n\nExample: clado help quantize") { verb };
        Verb[] verbs = [.. others, command];
        verb.CompletionSources.Add([.. verbs.Select(own => own.Name)]);
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(verb);
            var known = verbs.FirstOrDefault(own => string.Equals(own.Name, name, StringComparison.OrdinalIgnoreCase));
            if (name is not null && known is null)
            {
                throw new CladoException($"help {name}: there is no such verb{Spelling.Hint(name, verbs.Select(own => own.Name))}; "
                    + "clado help lists them");
            }
            terminal.Show(known ?? parsed.RootCommandResult.Command);
            return App.Done;
        });
        return command;
    }
}
