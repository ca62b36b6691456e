using System.Diagnostics;
using Clado.Cli.Output;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Scripts of completions, in the shells they are for, as far as the machine has them.</summary>
public class CompletionTests
{
    [Theory]
    [InlineData("clado qu", "quantize")]
    [InlineData("clado quantize --roun", "--rounding --rounds")]
    [InlineData("clado quantize --rounding ", "feedback gaussian gpfq nearest")]
    [InlineData("clado quantize --rounding n", "nearest")]
    [InlineData("clado --v", "--version")]
    [InlineData("clado help al", "allocate")]
    [InlineData("clado completions f", "fish")]
    [InlineData("clado inspect m", "")]
    [InlineData("clado quantize m.onnx --images ", "")]
    public void BashCompletes(string line, string expected)
    {
        string[] words = line.Split(' ');
        var script = Harness.Command("completions", "bash").Output + $"""

            COMP_WORDS=({string.Join(' ', words.Select(word => $"'{word}'"))})
            COMP_CWORD={words.Length - 1}
            _clado
            printf '%s\n' "${"{COMPREPLY[@]}"}"
            complete -p clado
            """;
        string[] lines = [.. Run("bash", script).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Equal([.. expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), "complete -o default -F _clado clado"], lines);
    }

    [Theory]
    [InlineData("clado qu", "quantize")]
    [InlineData("clado quantize --roun", "--rounding --rounds")]
    [InlineData("clado quantize --rounding ", "feedback gaussian gpfq nearest")]
    [InlineData("clado help al", "allocate")]
    public void FishCompletes(string line, string expected)
    {
        var output = Run("fish", Harness.Command("completions", "fish").Output + $"\ncomplete -C '{line}'\n");
        Assert.Equal(expected.Split(' '), output.Split('\n').Select(found => found.Split('\t')[0]));
    }

    /// <summary>A zsh completes at a terminal alone, so its script is read, and shows what it would offer.</summary>
    [Fact]
    public void ZshReadsItsScript()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["_clado"], Harness.Command("completions", "zsh").Output);
        // What completes shows what it is given.
        var output = Run("zsh", $$"""
            compdef() { echo "compdef $*" }
            _describe() { print -l -- $verbs }
            _arguments() { print -l -- "$@" }
            source {{folder["_clado"]}}
            words=(clado qu) CURRENT=2; _clado
            words=(clado quantize --rounding) CURRENT=4; _clado
            """);
        Assert.StartsWith("compdef _clado clado\nquantize:Measure, choose bits a layer", output, StringComparison.Ordinal);
        Assert.Contains("]:value:(feedback gaussian gpfq nearest)\n", output, StringComparison.Ordinal);
        Assert.Contains("\n*--images[", output, StringComparison.Ordinal);
        Assert.EndsWith("*:file:_files", output, StringComparison.Ordinal);
    }

    [Fact]
    public void PowerShellCompletes()
    {
        const string Ask = "[System.Management.Automation.CommandCompletion]::CompleteInput('clado quantize --roun', 21, $null)";
        var output = Run("pwsh", Harness.Command("completions", "pwsh").Output + $"\n({Ask}).CompletionMatches.CompletionText\n");
        Assert.Equal("--rounding\n--rounds", output);
    }

    /// <summary>All that is understood is completed, by every shell.</summary>
    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public void NothingIsLeftOut(string shell)
    {
        var tree = CompletionTree.Of(CommandLineTests.Root());
        var script = Harness.Command("completions", shell).Output;
        static IEnumerable<string> Words(CompletedOption option) =>
            option.Names.Where(name => name.StartsWith("--", StringComparison.Ordinal)).Select(name => name[2..]).Concat(option.Words);
        var words = tree.Verbs.SelectMany(verb => verb.Options.SelectMany(Words).Append(verb.Name));
        Assert.All(words, word => Assert.Contains(word, script, StringComparison.Ordinal));
        Assert.Contains(tree.Verbs, verb => verb.Options.Any(option => option.Words.Count > 0));
    }

    /// <summary>What a script writes to standard output, where there is the shell; what it complains of fails the test.</summary>
    private static string Run(string shell, string script)
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, shell))),
            $"this machine has no {shell}");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["script"], script);
        var start = new ProcessStartInfo(shell, shell == "pwsh" ? ["-NoProfile", "-File", folder["script"]] : [folder["script"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.Path,
        };
        start.Environment["HOME"] = folder.Path;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().ReplaceLineEndings("\n").Trim();
        process.WaitForExit();
        Assert.Equal("", error.Result);
        return output;
    }
}
