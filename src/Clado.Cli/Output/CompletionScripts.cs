namespace Clado.Cli.Output;

/// <summary>Scripts of completions: all that is completed stands in them, so that no program starts while somebody types.</summary>
internal static class CompletionScripts
{
    /// <summary>For bash: what has no words of its own completes to files.</summary>
    public static string Bash(CompletionTree tree)
    {
        static string Value(CompletedVerb verb, CompletedOption option) =>
            $"        {string.Join('|', option.Names.Select(name => $"'{verb.Name} {name}'"))}) "
            + $"words='{string.Join(' ', option.Words)}'; fixed=1 ;;";
        static string Verb(CompletedVerb verb) =>
            $"            {verb.Name}) options='{string.Join(' ', verb.Options.SelectMany(option => option.Names))}'; "
            + $"words='{string.Join(' ', verb.Words)}' ;;";
        var values = Lines(tree.Verbs.SelectMany(
            verb => verb.Options.Where(option => option.TakesValue).Select(option => Value(verb, option))));
        var verbs = string.Join('|', tree.Verbs.Select(verb => verb.Name));
        var first = string.Join(' ', tree.Verbs.Select(verb => verb.Name));
        var shared = string.Join(' ', tree.Options.SelectMany(option => option.Names));
        return $$"""
            # bash completion of clado: source this file, or put it into ~/.local/share/bash-completion/completions/clado
            _clado() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= words= options= fixed= i
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
                        {{verbs}}) verb=${COMP_WORDS[i]}; break ;;
                    esac
                done
                case "$verb $before" in
            {{values}}
                esac
                if [ -z "$fixed" ]; then
                    case $verb in
                        '') words='{{first}}'; options='{{shared}}' ;;
            {{Lines(tree.Verbs.Select(Verb))}}
                    esac
                    case $word in -*) words=$options ;; esac
                fi
                COMPREPLY=($(compgen -W "$words" -- "$word"))
            }
            complete -o default -F _clado clado
            """.ReplaceLineEndings("\n");
    }

    /// <summary>For zsh.</summary>
    public static string Zsh(CompletionTree tree)
    {
        static IEnumerable<string> Option(CompletedOption option)
        {
            var words = option.Words.Count > 0 ? $"({string.Join(' ', option.Words)})" : "_files";
            var value = option.TakesValue ? $":value:{words}" : "";
            // What is given once may be given again where it may be repeated, so nothing is left out.
            return option.Names.Select(name => $"                {Quoted($"*{name}[{Bracketed(option.Text)}]{value}")} \\");
        }

        static string Verb(CompletedVerb verb)
        {
            var rest = verb.Words.Count > 0 ? $"1:word:({string.Join(' ', verb.Words)})" : "*:file:_files";
            return Lines(
            [
                $"        {verb.Name})", "            _arguments \\", .. verb.Options.SelectMany(Option),
                $"                {Quoted(rest)} ;;",
            ]);
        }

        var verbs = Lines(tree.Verbs.Select(verb => $"        {Quoted($"{verb.Name}:{verb.Text}")}"));
        return $$"""
            #compdef clado
            # zsh completion of clado: put this file as _clado into a folder of $fpath.
            _clado() {
                local -a verbs=(
            {{verbs}}
                )
                if (( CURRENT == 2 )); then
                    _describe verb verbs
                    return
                fi
                local verb=$words[2]
                shift words
                (( CURRENT-- ))
                case $verb in
            {{Lines(tree.Verbs.Select(Verb))}}
                esac
            }
            if [ "$funcstack[1]" = _clado ]; then _clado "$@"; else compdef _clado clado; fi
            """.ReplaceLineEndings("\n");
    }

    /// <summary>For fish.</summary>
    public static string Fish(CompletionTree tree)
    {
        static IEnumerable<string> Verb(CompletedVerb verb)
        {
            var here = $"complete -c clado -n '__fish_seen_subcommand_from {verb.Name}'";
            string Option(CompletedOption option)
            {
                var names = string.Concat(option.Names.Select(name =>
                    name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}"));
                var words = option.Words.Count > 0 ? $" -x -a {FishQuoted(string.Join(' ', option.Words))}" : " -r";
                return $"{here}{names}{(option.TakesValue ? words : "")} -d {FishQuoted(option.Text)}";
            }

            var rest = verb.Words.Count > 0 ? (string[])[$"{here} -f -a {FishQuoted(string.Join(' ', verb.Words))}"] : [];
            return [.. verb.Options.Select(Option), .. rest];
        }

        return Lines(
        [
            "# fish completion of clado: put this file into ~/.config/fish/completions/clado.fish",
            .. tree.Verbs.Select(verb => $"complete -c clado -f -n __fish_use_subcommand -a {verb.Name} -d {FishQuoted(verb.Text)}"),
            .. tree.Verbs.SelectMany(Verb),
        ]);
    }

    /// <summary>For PowerShell.</summary>
    public static string PowerShell(CompletionTree tree)
    {
        static string Text(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
        static string List(IEnumerable<string> words) => $"@({string.Join(", ", words.Select(Text))})";
        static string Values(CompletedVerb verb) => string.Join("; ", verb.Options.Where(option => option.TakesValue)
            .SelectMany(option => option.Names.Select(name => $"{Text(name)} = {List(option.Words)}")));
        var verbs = Lines(tree.Verbs.Select(verb =>
            $"    {Text(verb.Name)} = @{{ Options = {List(verb.Options.SelectMany(option => option.Names))}; Words = {List(verb.Words)}; "
            + $"Values = @{{ {Values(verb)} }} }}"));
        return $$"""
            # PowerShell completion of clado: put this into $PROFILE
            $script:cladoVerbs = [ordered]@{
            {{verbs}}
            }
            Register-ArgumentCompleter -Native -CommandName clado -ScriptBlock {
                param($word, $line, $position)
                $before = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { $_.ToString() })
                $verb = $before | Select-Object -Skip 1 | Where-Object { $script:cladoVerbs.Contains($_) } | Select-Object -First 1
                if (-not $verb) {
                    $found = @($script:cladoVerbs.Keys) + {{List(tree.Options.SelectMany(option => option.Names))}}
                } elseif ($script:cladoVerbs[$verb].Values.ContainsKey($before[-1])) {
                    $found = $script:cladoVerbs[$verb].Values[$before[-1]]
                } elseif ($word -like '-*') {
                    $found = $script:cladoVerbs[$verb].Options
                } else {
                    $found = $script:cladoVerbs[$verb].Words
                }
                $found | Where-Object { $_ -like "$word*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """.ReplaceLineEndings("\n");
    }

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines);

    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string FishQuoted(string text) =>
        $"'{text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";

    /// <summary>Within [ ] of zsh's _arguments.</summary>
    private static string Bracketed(string text) =>
        string.Concat(text.Select(letter => letter is '[' or ']' or ':' ? $"\\{letter}" : $"{letter}"));
}
