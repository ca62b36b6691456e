using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Readme;

public class ReadmeTests
{
    // An image between two classes may fall either way on another processor, and with it the last digit shown, in percent.
    private const double LastDigit = 0.11;

    // And losses by a few percent, where rounding to nearest has lost much.
    private const double LossDigits = 0.02, LastDigitOfLoss = 0.00011;

    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    /// <summary>Every row, and all of it but the speed: that is the processor's.</summary>
    [Fact]
    public void DemoRunsAndItsTableIsTheOneShown()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = Harness.Command("demo", "-o", folder["clado-demo"]);
        Assert.True(code == 0, error);
        var (shown, made) = (DemoTable(Text), DemoTable(output));
        Assert.NotEmpty(shown);
        Assert.Equal(shown.Select(row => row.Exact), made.Select(row => row.Exact));
        Assert.All(shown.Zip(made), pair =>
        {
            Assert.Equal(pair.First.Top1, pair.Second.Top1, LastDigit);
            Assert.Equal(pair.First.Agreement, pair.Second.Agreement, LastDigit);
            Assert.Equal(pair.First.Loss, pair.Second.Loss, (LossDigits * pair.First.Loss) + LastDigitOfLoss);
        });
        Assert.All(made.Where(row => row.File.Length > 0), row => Assert.Equal(row.Bytes, new FileInfo(row.File).Length));
        // What is said below the table are differences of its rows.
        var saved = Regex.Match(output, @"^Clado 2.5bit, nearest, .* loses (?<loss>[\d.]+) ± [\d.]+ less", RegexOptions.Multiline);
        DemoRow Of(string widths) => made.Single(row => row.Widths == widths && row.Weights == "nearest");
        Assert.Equal(
            Of("one by one 2.5bit").Loss - Of("Clado 2.5bit").Loss, double.Parse(saved.Groups["loss"].Value, CultureInfo.InvariantCulture),
            2 * LastDigitOfLoss);
    }

    /// <summary>The table of the estimators' matrices alone is as it was measured.</summary>
    [Fact]
    public void TheTableOfMatricesIsTheOneMeasured()
    {
        const string Heading = "## resnet20_cifar10, nearest, widths 2, 4, 8, 512 images, activations in floats";
        const int Budgets = 4;
        var results = File.ReadAllText(Path.Combine(Repository.Root, "test/Clado.Benchmarks/results/choosing.md"));
        var (shown, measured) = (Rows(Text, "2.5"), Rows(results[results.IndexOf(Heading, StringComparison.Ordinal)..], "2.5"));
        Assert.Equal(5, shown.Length);
        Assert.Equal(shown[0][1..(1 + Budgets)], measured[0][1..(1 + Budgets)]);
        foreach (var row in shown[2..])
        {
            var estimator = Regex.Match(row[0], @"--estimator (\w+)").Groups[1].Value;
            Assert.Equal(row[1..(1 + Budgets)], Assert.Single(measured, own => own[0] == estimator)[1..(1 + Budgets)]);
        }

        // The first table with that budget in its second column.
        static string[][] Rows(string text, string first)
        {
            var lines = text.Split('\n').SkipWhile(line => !Regex.IsMatch(line, $@"^\| [a-z ]+ \| {Regex.Escape(first)} \|"));
            return [.. lines.TakeWhile(line => line.StartsWith('|')).Select(Cells)];
        }

        static string[] Cells(string line) => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries);
    }

    /// <summary>What takes hours to measure is as it was measured: the rows of results/choosing.md.</summary>
    [Fact]
    public void TheTableOfEstimatorsIsTheOneMeasured()
    {
        const string Heading = "## resnet20_cifar10, feedback, widths 2, 3, 4, 8, 2048 images";
        var results = File.ReadAllText(Path.Combine(Repository.Root, "test/Clado.Benchmarks/results/choosing.md"));
        var measured = results[results.IndexOf(Heading, StringComparison.Ordinal)..];
        string[][] rows = [.. Text.Split('\n').SkipWhile(line => !line.StartsWith("| mean bits | 2.25 |", StringComparison.Ordinal))
            .TakeWhile(line => line.StartsWith('|')).Select(line => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries))];
        Assert.Equal(6, rows.Length);
        foreach (var row in rows[2..5])
        {
            var estimator = Regex.Match(row[0], @"--estimator (\w+)").Groups[1].Value;
            foreach (var (bits, accuracy) in rows[0].Zip(row).Skip(1))
            {
                var width = double.Parse(bits, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
                var line = Regex.Match(measured, $@"^\| {Regex.Escape(width)} \| {estimator} \|.*$", RegexOptions.Multiline).Value;
                Assert.EndsWith($"| {accuracy} |", line, StringComparison.Ordinal);
            }
        }
        Assert.Contains(
            $"{string.Join(" / ", rows[5][1..].Select(cell => cell.TrimEnd('%', ' ')))} % at", measured, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryCommandShownIsUnderstood()
    {
        var commands = Regex.Matches(Text, @"^\./clado (?<words>.+)$", RegexOptions.Multiline).Select(m => m.Groups["words"].Value.Trim())
            .ToArray();
        Assert.NotEmpty(commands);
        foreach (var command in commands)
        {
            // A help request parses all the words before it, and does nothing.
            var (code, _, error) = Harness.Command([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
            Assert.True(code == 0, $"{command}: {error}");
        }
    }

    /// <summary>The rows of the demo's table, in the README or as printed: up to the line that is empty.</summary>
    private static DemoRow[] DemoTable(string text) =>
    [
        .. text.Split('\n').SkipWhile(line => !line.StartsWith("  FP32 ", StringComparison.Ordinal))
            .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal) && line.Trim().Length > 0).Select(DemoRow.Of),
    ];

    /// <summary>A row of the demo's table.</summary>
    /// <param name="Widths">How widths are chosen.</param>
    /// <param name="Weights">How weights are rounded.</param>
    /// <param name="Bytes">Bytes of the file.</param>
    /// <param name="Top1">Accuracy in percent.</param>
    /// <param name="Agreement">Agreement with the float network in percent.</param>
    /// <param name="Loss">Loss increase.</param>
    /// <param name="Bits">Bits of each layer, a digit each; empty for networks of one width.</param>
    /// <param name="File">The file's name; empty where none was written.</param>
    private sealed record DemoRow(
        string Widths, string Weights, long Bytes, double Top1, double Agreement, double Loss, string Bits, string File)
    {
        /// <summary>What is the same on every processor.</summary>
        public (string, string, long, string, string) Exact => (Widths, Weights, Bytes, Bits, Path.GetFileName(File));

        public static DemoRow Of(string line)
        {
            // Widths, weights, bytes, top-1, agreement, loss; then speed, bits and file where there are such.
            string[] cells = Regex.Split(line.Trim(), @"\s{2,}");
            Assert.InRange(cells.Length, 6, 9);
            double Number(int cell) => double.Parse(
                Regex.Replace(cells[cell], @" ± .*| %", ""), NumberStyles.Number, CultureInfo.InvariantCulture);
            return new DemoRow(
                cells[0], cells[1], (long)Number(2), Number(3), Number(4), Number(5),
                cells[6..].FirstOrDefault(cell => Regex.IsMatch(cell, "^[2-8]{22}$")) ?? "",
                cells[6..].FirstOrDefault(cell => cell.EndsWith(".onnx", StringComparison.Ordinal)) ?? "");
        }
    }
}
