using System.CommandLine;
using Clado.Cli;
using Clado.Cli.Commands;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Execution;
using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Words of the command line: what is understood, and what is said of what is not.</summary>
public class CommandLineTests
{
    private const string Quantize = "quantize m.onnx --images i ";

    [Theory]
    [InlineData("quantise", "'quantise' is no command; did you mean quantize?; clado --help shows how")]
    [InlineData("xyzzy", "'xyzzy' is no command; clado --help shows how")]
    [InlineData("", "a verb is missing; clado --help shows how")]
    [InlineData(Quantize + "--budgt 3bit", "'--budgt' is no option; did you mean --budget?; clado quantize --help shows how")]
    [InlineData("inspect --josn m.onnx", "'--josn' is no option; did you mean --json?; clado inspect --help shows how")]
    [InlineData("inspect m.onnx more", "'more' is one word too many; clado inspect --help shows how")]
    [InlineData("inspect", "MODEL.onnx is missing; clado inspect --help shows how")]
    [InlineData("quantize m.onnx --budget 3bit", "--images is missing; clado quantize --help shows how")]
    [InlineData("quantize m.onnx --images i --budget", "--budget: its value is missing; clado quantize --help shows how")]
    [InlineData(Quantize + "-b 3bit -b 4bit", "--budget: is given more than once; clado quantize --help shows how")]
    [InlineData(Quantize + "-b 3bit --seed one", "--seed one: a whole number is wanted; clado quantize --help shows how")]
    [InlineData(Quantize + "-b 3bit --seed 99999999999", "--seed 99999999999: the number is too large; clado quantize --help shows how")]
    [InlineData(
        Quantize + "-b 3bit --rounding neares",
        "--rounding neares: is none of feedback, gpfq, nearest, gaussian; did you mean nearest?; clado quantize --help shows how")]
    [InlineData(Quantize + "-b 3bit --opset 17", "--opset 17: is none of 25, 21; clado quantize --help shows how")]
    [InlineData(Quantize + "-b 3bit --bits 8-2", "--bits 8-2: a list such as 2,3,4,8 is wanted, or a range such as 2-8")]
    [InlineData(
        Quantize + "-b 3bit --preprocess imagnet", "--preprocess imagnet: is neither a preset nor a JSON file; did you mean imagenet?")]
    [InlineData("help quantise", "help quantise: there is no such verb; did you mean quantize?; clado help lists them")]
    [InlineData("completions tcsh", "completions tcsh: is none of bash, zsh, fish, pwsh")]
    public void WhatIsWrongIsSaidInALine(string words, string said)
    {
        var (code, output, error) = Harness.Command([.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal((2, "", $"clado: {said}{Environment.NewLine}"), (code, output, error));
    }

    [Theory]
    [InlineData("2-8", 2, 3, 4, 5, 6, 7, 8)]
    [InlineData("2,4-6,8", 2, 4, 5, 6, 8)]
    [InlineData("3", 3)]
    [InlineData("4,4-5", 4, 5)]
    public void WidthsAreListsAndRanges(string text, params int[] widths) => Assert.Equal(widths, MeasuringOptions.Widths(text));

    /// <summary>What is one of some words is understood in any case, and becomes the word.</summary>
    [Fact]
    public void WordsAreUnderstoodInAnyCase()
    {
        var verbs = Root().Subcommands;
        int seen = 0;
        foreach (var option in verbs.SelectMany(verb => verb.Options).Where(option => option.ValueType == typeof(string)))
        {
            foreach (var word in WordOptions.Words(option))
            {
                var command = new Command("x") { option };
                Assert.Equal(word, command.Parse([option.Name, word.ToUpperInvariant()]).GetValue((Option<string>)option));
                seen++;
            }
        }
        Assert.True(seen > 40);
        Assert.Equal(CommonOptions.PreprocessingOf("cifar10"), CommonOptions.PreprocessingOf("CIFAR10"));
    }

    /// <summary>One mistake in a word is forgiven, whatever it is: a letter too many, too few, another, or two exchanged.</summary>
    [Fact]
    public void OneMistakeIsForgiven() => Gen.Select(Gen.Int[0, 11], Gen.Int[0, 3], Gen.Int[0, 1000]).Sample((verb, kind, place) =>
    {
        string[] verbs = [.. Root().Subcommands.Select(own => own.Name)];
        var word = verbs[verb % verbs.Length];
        place %= word.Length - 1;
        var wrong = kind switch
        {
            0 => word.Insert(place, "q"),
            1 => word.Remove(place, 1),
            2 => word[..place] + "q" + word[(place + 1)..],
            _ => word[..place] + word[place + 1] + word[place] + word[(place + 2)..],
        };
        Assert.InRange(Spelling.Mistakes(word, wrong), 0, 1);
        Assert.Equal(Spelling.Mistakes(word, wrong), Spelling.Mistakes(wrong, word));
        // Another may be as near: "eport" is report or export.
        Assert.InRange(Spelling.Mistakes(Spelling.Nearest(wrong, verbs)!, wrong), 0, 1);
    });

    [Fact]
    public void HelpIsOfAVerbOrOfAll()
    {
        var all = Harness.Command("help");
        Assert.Equal(all, Harness.Command("--help"));
        Assert.All(Root().Subcommands, verb =>
        {
            Assert.Contains($"  {verb.Name} ", all.Output, StringComparison.Ordinal);
            var own = Harness.Command("help", verb.Name);
            Assert.Equal(own, Harness.Command(verb.Name, "-h"));
            Assert.Equal((0, ""), (own.Code, own.Error));
            Assert.All(verb.Options, option => Assert.Contains($"  {option.Name}", own.Output, StringComparison.Ordinal));
            Assert.All(verb.Arguments, argument => Assert.Contains($"  {argument.Name}", own.Output, StringComparison.Ordinal));
        });
    }

    /// <summary>Every option is in one group, and groups come in the order of a job.</summary>
    [Fact]
    public void OptionsAreInGroups()
    {
        Assert.All(Root().Subcommands.Cast<Verb>(), verb =>
        {
            Assert.Empty(verb.Of(null));
            Assert.Equal(verb.Options.Count, Enum.GetValues<OptionGroup>().Sum(group => verb.Of(group).Count()));
        });
        var lines = Harness.Command("help", "quantize").Output.Split('\n', StringSplitOptions.TrimEntries);
        string[] titles = ["Input:", "Budget:", "Measuring:", "Output:", "Always:"];
        int[] places = [.. titles.Select(title => Array.IndexOf(lines, title))];
        Assert.Equal(places.Order(), places);
        Assert.True(places[0] > 0);
    }

    [Fact]
    public void TheVersionsAreThoseThatRun()
    {
        var (code, output, _) = Harness.Command("--version");
        Assert.Equal(0, code);
        Assert.Matches(@"^clado \d+\.\d+\.\d+, ONNX Runtime \d+\.\d+\.\d+, \.NET \d+\.\d+\.\d+, \S+$", output.TrimEnd());
        Assert.Contains($"ONNX Runtime {Providers.RuntimeVersion},", output, StringComparison.Ordinal);
    }

    /// <summary>Quiet leaves the answer as it is, and nothing beside it; what is refused is said all the same.</summary>
    [Fact]
    public void QuietIsQuiet()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        string[] measure =
        [
            "measure", folder["m.onnx"], "--images", Harness.Images(folder, "images", 2), "--preprocess", "unit", "--estimator", "diagonal",
            "--run", folder["run"],
        ];
        var quiet = Harness.Command([.. measure, "--quiet"]);
        Assert.Equal((0, ""), (quiet.Code, quiet.Error));
        var loud = Harness.Command(measure);
        Assert.Equal(loud.Output, quiet.Output);
        Assert.NotEqual("", loud.Error);
        var (code, _, error) = Harness.Command("allocate", "--run", folder["run"], "--budget", "1.5bit", "-q");
        Assert.Equal(1, code);
        Assert.StartsWith("clado: ", error, StringComparison.Ordinal);
        Assert.Equal(App.Stopped, Cancelled(measure, out var said));
        Assert.Contains("clado: stopped;", said, StringComparison.Ordinal);
    }

    /// <summary>In a window of any usual width no line of the whole job is longer than that: the window would cut it anywhere.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(140)]
    public void NothingIsWiderThanTheWindow(int width)
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] command =
        [
            "quantize", folder["m.onnx"], "--images", Harness.Images(folder, "images", 2), "--preprocess", "unit", "--budget", "4bit",
            "--run", folder["run"], "-o", folder["q.onnx"],
        ];
        int code = App.Run(command, output, error, width, TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"{error}");
        // Words are not cut, and neither are names of files.
        static bool IsText(string line) => !line.Contains(Path.DirectorySeparatorChar);
        Assert.All($"{error}{output}".Split(Environment.NewLine).Where(IsText), line => Assert.InRange(line.Length, 0, width));
        Assert.Contains("the whole job: about", $"{error}", StringComparison.Ordinal);
        var summary = $"{output}".Split(Environment.NewLine).Select(line => line.Split(':')[0]);
        Assert.Equal(
            ["chosen", "size", "loss", "activations", "uniform widths beside it", "written"],
            summary.Where(word => word is "chosen" or "size" or "loss" or "activations" or "uniform widths beside it" or "written"));
    }

    /// <summary>Lines end between words; what follows is further in, and nothing is lost.</summary>
    [Fact]
    public void LinesEndBetweenWords() => Gen.Select(Gen.Char['a', 'd'].Array[1, 12].Array[1, 40], Gen.Int[20, 120], Gen.Int[0, 10])
        .Sample((letters, width, indent) =>
        {
            string[] words = [.. letters.Select(word => new string(word))];
            var lines = TextLines.Wrapped(string.Join(' ', words), width, indent).Split(Environment.NewLine);
            Assert.Equal(words, lines.SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
            Assert.All(lines, line => Assert.InRange(line.Length, 1, width));
        });

    internal static Command Root() => App.Create(new Terminal(TextWriter.Null, TextWriter.Null));

    private static int Cancelled(string[] command, out string said)
    {
        using var error = new StringWriter();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        int code = App.Run(command, TextWriter.Null, error, cancellation: stop.Token);
        said = error.ToString();
        return code;
    }
}
