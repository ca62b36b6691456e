using System.CommandLine;
using System.CommandLine.Help;
using Clado.Cli.Options;

namespace Clado.Cli.Output;

/// <summary>What can be completed.</summary>
/// <param name="Verbs">The verbs. Shape: [verbs].</param>
/// <param name="Options">Options of every verb. Shape: [options].</param>
internal sealed record CompletionTree(IReadOnlyList<CompletedVerb> Verbs, IReadOnlyList<CompletedOption> Options)
{
    /// <summary>That of a command line.</summary>
    /// <param name="root">Its root.</param>
    public static CompletionTree Of(Command root)
    {
        CompletedOption[] shared = [.. root.Options.Where(option => option.Recursive).Select(CompletedOption.Of)];
        return new(
            [
                .. root.Subcommands.Select(verb => new CompletedVerb(
                    verb.Name, HelpText.FirstSentence(verb), [.. verb.Options.Select(CompletedOption.Of), .. shared],
                    [.. verb.Arguments.SelectMany(WordOptions.Words)])),
            ],
            [.. root.Options.Select(CompletedOption.Of)]);
    }
}

/// <summary>A verb.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">What it does.</param>
/// <param name="Options">Its options. Shape: [options].</param>
/// <param name="Words">What may follow it; empty for names of files. Shape: [words].</param>
internal sealed record CompletedVerb(string Name, string Text, IReadOnlyList<CompletedOption> Options, IReadOnlyList<string> Words);

/// <summary>An option.</summary>
/// <param name="Names">Its names, the long one first. Shape: [names].</param>
/// <param name="Text">What it is.</param>
/// <param name="TakesValue">Whether a value follows it.</param>
/// <param name="Words">The values; empty for any, such as names of files. Shape: [words].</param>
internal sealed record CompletedOption(IReadOnlyList<string> Names, string Text, bool TakesValue, IReadOnlyList<string> Words)
{
    public static CompletedOption Of(Option option)
    {
        // Of what help is called elsewhere, nobody needs to be reminded.
        string[] names = [option.Name, .. option.Aliases.Where(alias => option is not HelpOption || alias == "-h")];
        var text = option.Description!.Split("; ")[0].Split(": ")[0];
        bool isFlag = option.ValueType == typeof(bool) || option is HelpOption or VersionOption;
        return new(names, text, !isFlag, isFlag ? [] : WordOptions.Words(option));
    }
}
