using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static System.FormattableString;

namespace Clado.Tests.Cli;

/// <summary>How quantize ends.</summary>
public class ChartTests
{
    [Fact]
    public void QuantizeEndsWithTheBitsAndTheUniformWidthsNextToItsSize()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 3);
        var (code, output, error) = Harness.Command(
            "quantize", folder["model.onnx"], "--images", images, "--bits", "2,4,8", "--budget", "3bit", "--run", folder["run"],
            "-o", folder["q.onnx"]);
        Assert.True(code == 0, error);
        var lines = output.Split('\n');
        int chart = Array.FindIndex(lines, l => l.StartsWith("bits of each layer", StringComparison.Ordinal));
        var digits = lines[chart + 2].Trim();
        Assert.Matches("^[248]{5}$", digits);
        Assert.Equal(digits, string.Concat(lines[chart + 1].Trim().Select(block => (char)('1' + (block - '▁')))));
        // The largest uniform width that is no larger, the file, the next uniform width: by size, each measured.
        var row = new Regex(@"^\s*(?<name>uniform \dbit|this file)\s+(?<bytes>[\d,]+)\s+[\d.]+\s+[\d.]+\s+[\d.]+ %");
        var rows = lines.Skip(chart + 3).Select(line => row.Match(line)).Where(m => m.Success).ToArray();
        Assert.Equal([true, false, true], rows.Select(r => r.Groups["name"].Value.StartsWith("uniform ", StringComparison.Ordinal)));
        int[] sizes = [.. rows.Select(r => int.Parse(r.Groups["bytes"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture))];
        Assert.True(sizes[0] <= sizes[1] && sizes[1] < sizes[2], string.Join(", ", sizes));
        Assert.Equal(Invariant($"{new FileInfo(folder["q.onnx"]).Length:N0}"), rows[1].Groups["bytes"].Value);
    }
}
