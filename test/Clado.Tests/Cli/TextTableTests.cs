using Clado.Cli.Output;
using CsCheck;
using Spectre.Console;
using Xunit;

namespace Clado.Tests.Cli;

public class TextTableTests
{
    private const int Place = 80;

    /// <summary>A row is a line, whatever its names are; a number is whole; a name that is cut keeps its beginning and its end.</summary>
    [Fact]
    public void NamesAreShortenedAndNumbersAreNot()
    {
        var name = Gen.Char["abcdefghij/_."].Array[1, 200].Select(letters => new string(letters));
        Gen.Select(name, name, Gen.Long[0, long.MaxValue], Gen.Int[0, 1_000_000]).Array[1, 6].Sample(rows =>
        {
            var lines = Lines(rows);
            Assert.Equal(rows.Length, lines.Length);
            foreach (var ((first, second, large, small), line) in rows.Zip(lines))
            {
                var cells = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                Assert.Equal([$"{large}", $"{small}"], cells[2..]);
                Assert.All(((string, string)[])[(first, cells[0]), (second, cells[1])], pair => Assert.True(IsOf(pair.Item2, pair.Item1)));
                Assert.True(line.TrimEnd().Length <= Place);
            }
        });
    }

    [Fact]
    public void ANameThatFitsIsWhole()
    {
        var line = Assert.Single(Lines([(new string('x', 40), "y", 1, 2)]));
        Assert.Contains(new string('x', 40), line, StringComparison.Ordinal);
    }

    private static bool IsOf(string shown, string name) => shown.Split('…') switch
    {
        [var whole] => whole == name,
        [var start, var end] => start.Length >= end.Length && end.Length > 0 && name.StartsWith(start, StringComparison.Ordinal)
            && name.EndsWith(end, StringComparison.Ordinal) && start.Length + end.Length < name.Length,
        _ => false,
    };

    /// <summary>The rows as they are written, without what stands above and below.</summary>
    private static string[] Lines((string, string, long, int)[] rows)
    {
        var table = new TextTable(("layer", false), ("reader", false), ("weights", true), ("bytes", true));
        foreach (var (first, second, large, small) in rows)
        {
            table.Row(first, second, $"{large}", $"{small}");
        }
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = Place;
        console.Profile.Capabilities.Unicode = true;
        table.Write(console);
        Assert.Equal(Place, console.Profile.Width);
        var lines = output.ToString().Split('\n', StringSplitOptions.TrimEntries);
        return [.. lines.SkipWhile(line => !line.StartsWith('─')).Skip(1).Where(line => line.Length > 0)];
    }
}
