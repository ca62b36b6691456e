using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Clado.Cli.Commands;
using Clado.Cli.Options;

namespace Clado.Cli.Output;

/// <summary>Help: what a command does, and its options by what they are about.</summary>
internal static class HelpText
{
    // Wider names stand on a line of their own.
    private const int NameWidth = 26;

    private static readonly (string Title, OptionGroup? Group)[] Sections =
    [
        ("Input", OptionGroup.Input), ("Budget", OptionGroup.Budget), ("Measuring", OptionGroup.Measuring),
        ("Output", OptionGroup.Output), ("Always", null),
    ];

    /// <summary>Shows the help of a command.</summary>
    public static void Show(this Terminal terminal, Command command)
    {
        foreach (var paragraph in command.Description!.Split('\n'))
        {
            terminal.Data(paragraph);
        }
        terminal.Data("");
        terminal.Data($"Usage: {Usage(command)}");
        if (command.Subcommands.Count > 0)
        {
            terminal.Section("Verbs", command.Subcommands.Select(verb => (verb.Name, FirstSentence(verb))));
        }
        foreach (var (title, group) in Sections)
        {
            IEnumerable<Option> options = command is Verb verb ? verb.Of(group) : group is null ? command.Options : [];
            var shared = group is null && command is Verb
                ? command.Parents.OfType<Command>().SelectMany(parent => parent.Options).Where(option => option.Recursive) : [];
            var arguments = group == OptionGroup.Input ? command.Arguments : [];
            terminal.Section(title, [.. arguments.Select(Entry), .. options.Concat(shared).Where(o => !o.Hidden).Select(Entry)]);
        }
    }

    /// <summary>The first sentence of what a command does.</summary>
    public static string FirstSentence(Command command) =>
        command.Description!.Split('\n')[0] is var text && text.IndexOf(". ", StringComparison.Ordinal) is > 0 and var end ? text[..end]
        : text.TrimEnd('.');

    private static void Section(this Terminal terminal, string title, IEnumerable<(string Name, string Text)> entries)
    {
        (string Name, string Text)[] all = [.. entries];
        if (all.Length == 0)
        {
            return;
        }
        terminal.Data($"\n{title}:");
        foreach (var (name, text) in all)
        {
            bool fits = name.Length < NameWidth - 2;
            if (!fits)
            {
                terminal.Data($"  {name}");
            }
            terminal.Data((fits ? $"  {name}" : "").PadRight(NameWidth) + text, NameWidth);
        }
    }

    private static string Usage(Command command) => string.Join(' ',
    [
        command is Verb ? $"clado {command.Name}" : "clado VERB",
        .. command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? a.Name : $"[{a.Name}]"),
        .. command.Options.Where(o => o.Required).Select(o => $"{o.Name} {ValueOf(o)}"),
        "[options]",
    ]);

    private static (string Name, string Text) Entry(Argument argument) => (argument.Name, argument.Description!);

    private static (string Name, string Text) Entry(Option option)
    {
        var names = string.Join(", ", option.Aliases.Where(alias => option is HelpOption ? alias == "-h" : true).Prepend(option.Name));
        var value = option.ValueType == typeof(bool) || option is HelpOption or VersionOption ? "" : $" {ValueOf(option)}";
        bool saysDefault = option.Description!.Contains("default", StringComparison.Ordinal) || option.ValueType == typeof(bool);
        var standard = option.HasDefaultValue && !saysDefault && Default(option) is { Length: > 0 } text ? $" (default: {text})"
            : option.Required ? " (required)" : "";
        return (names + value, option.Description + standard);
    }

    private static string Default(Option option)
    {
        var value = option.GetDefaultValue();
        // Of what may be repeated, nothing is given.
        return value is Array ? "" : Terminal.Plain(value);
    }

    private static string ValueOf(Option option) => option.HelpName ?? option.Name switch
    {
        "--images" or "--evaluate" or "--run" or "--figures" => "DIR",
        "--output" or "--reference" or "--cost-table" => "PATH",
        _ when WordOptions.Words(option) is { Length: > 0 } words => string.Join('|', words),
        _ when option.ValueType == typeof(string) || option.ValueType == typeof(string[]) => "TEXT",
        _ => "N",
    };

    /// <summary>The action of an option that shows help.</summary>
    internal sealed class Action(Terminal terminal) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            terminal.Show(parseResult.CommandResult.Command);
            return App.Done;
        }
    }
}
