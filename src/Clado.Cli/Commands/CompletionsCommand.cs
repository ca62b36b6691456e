using System.CommandLine;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado completions</c>: a script that teaches a shell the verbs, options and words.</summary>
internal static class CompletionsCommand
{
    private static readonly Dictionary<string, Func<CompletionTree, string>> Shells = new()
    {
        ["bash"] = CompletionScripts.Bash,
        ["zsh"] = CompletionScripts.Zsh,
        ["fish"] = CompletionScripts.Fish,
        ["pwsh"] = CompletionScripts.PowerShell,
    };

    public static Verb Create(Terminal terminal, Func<Command> root)
    {
        var shell = new Argument<string>("SHELL") { Description = string.Join(", ", Shells.Keys) };
        shell.CompletionSources.Add([.. Shells.Keys]);
        var command = new Verb(
            "completions",
            "Print a script that has a shell complete verbs, options and their words.\n\n"
            + "Example: clado completions bash > ~/.local/share/bash-completion/completions/clado\n"
            + "Example: clado completions zsh > ~/.zfunc/_clado\n"
            + "Example: clado completions fish > ~/.config/fish/completions/clado.fish\n"
            + "Example: clado completions pwsh >> $PROFILE")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            var name = parsed.GetRequiredValue(shell);
            var script = Shells.FirstOrDefault(own => own.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value
                ?? throw new CladoException($"completions {name}: is none of {string.Join(", ", Shells.Keys)}"
                    + Spelling.Hint(name, Shells.Keys));
            terminal.Json(script(CompletionTree.Of(root())).TrimEnd());
            return App.Done;
        });
        return command;
    }
}
