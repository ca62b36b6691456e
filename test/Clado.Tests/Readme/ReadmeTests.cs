using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Readme;

public class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void DemoRunsAndItsTableIsTheOneShown()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = Harness.Command("demo", "-o", folder["clado-demo"]);
        Assert.True(code == 0, error);
        // Accuracy depends on the processor's arithmetic in the last digits; sizes of uniform models do not.
        foreach (var row in output.Split('\n').Where(l => l.Contains(".onnx", StringComparison.Ordinal)))
        {
            var cells = Regex.Split(row.Trim(), @"\s{2,}");
            Assert.Equal(new FileInfo(cells[^1].Trim()).Length, long.Parse(cells[2].Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            if (!cells[0].StartsWith("Clado", StringComparison.Ordinal))
            {
                Assert.Matches($@"{Regex.Escape(cells[0])}\s+{Regex.Escape(cells[1])}\s+{Regex.Escape(cells[2])}\s", Text);
            }
        }
    }

    [Fact]
    public void EveryCommandShownIsUnderstood()
    {
        var commands = Regex.Matches(Text, @"^\./clado (?<words>.+)$", RegexOptions.Multiline).Select(m => m.Groups["words"].Value.Trim()).ToArray();
        Assert.NotEmpty(commands);
        foreach (var command in commands)
        {
            // A help request parses all the words before it, and does nothing.
            var (code, _, error) = Harness.Command([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
            Assert.True(code == 0, $"{command}: {error}");
        }
    }
}
