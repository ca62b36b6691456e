using System.Text.Json;
using System.Text.RegularExpressions;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Cli;

public class LimitTests
{
    [Fact]
    public void CostTablesGroupsAndSetsOfWidthsAreKept()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        string images = Harness.Images(folder, "images", 3);
        var whole = Harness.Command(
            "quantize", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--bits", "2,4,8", "--estimator", "additive",
            "--run", folder["run"], "--pin", "*logits=2,4", "--budget", "none", "--same-bits", "*c1,conv_c3", "-o", folder["q.onnx"],
            "--json");
        Assert.True(whole.Code == 0, whole.Error);
        var free = Bits(whole.Output);
        Assert.Equal(free["conv_c1"], free["conv_c3"]);
        Assert.Equal(4, free["gemm_logits"]);
        Assert.Equal(8, free["conv_c2"]);

        var costs = free.Keys.SelectMany(name => (string[])[$"{name},2,1", $"{name},4,3", $"{name},8,9"]);
        File.WriteAllLines(folder["costs.csv"], ["layer,bits,cost", .. costs]);
        string[] table = ["--cost-table", folder["costs.csv"], "--max-cost"];
        string[] limited = ["--run", folder["run"], "--budget", "none", .. table, "15", "--same-bits", "conv_*"];
        var tight = Bits(Harness.Command(["allocate", .. limited, "--json"]).Output);
        Assert.Single(tight.Where(layer => layer.Key != "gemm_logits").Select(layer => layer.Value).Distinct());
        Assert.InRange(tight.Values.Sum(bits => bits switch { 2 => 1, 4 => 3, _ => 9 }), 5, 15);
        Assert.Contains(4, tight.Values);
        Assert.Equal(0, Harness.Command(["export", .. limited, "-o", folder["e.onnx"]]).Code);
        IsNo(folder, "--max-cost 4: no choice of these widths keeps it; the least they reach is 5", "none", [.. table, "4"]);
        IsNo(folder, "--max-bitops 10: no choice of these widths keeps it; the least they reach is ", "3bit", "--max-bitops", "10");
        IsNo(folder, "--budget 10B: no choice of these widths is that small; the smallest file is ", "10B", "--max-bitops", $"{1L << 40}");

        Fails(folder, "--max-cost: which costs?", "--max-cost", "5");
        Fails(folder, "give --max-cost", "--cost-table", folder["costs.csv"]);
        Fails(folder, "no searched layer is called 'nope'", "--same-bits", "conv_c1,nope");
        Fails(folder, "'conv_c1' is in two groups", "--same-bits", "*c1,*c2", "--same-bits", "*c1,conv_c3");
    }

    [Fact]
    public void WidthsThatAreNoneAreRefused()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var (code, _, error) = Harness.Command(
            "measure", folder["model.onnx"], "--images", Harness.Images(folder, "images", 3), "--run", folder["run"],
            "--pin", "conv_c1=4,9");
        Assert.Equal(2, code);
        Assert.Contains("--pin conv_c1=4,9: NAME=BITS, NAME=BITS,BITS or NAME=float is wanted", error, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLeastBitsThatAreNamedCanBeKept()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        string[] quantize =
        [
            "quantize", folder["model.onnx"], "--images", Harness.Images(folder, "images", 3), "--preprocess", "unit", "--bits", "2,4,8",
            "--estimator", "diagonal", "--run", folder["run"], "-o", folder["q.onnx"], "--pin", "gemm_logits=8", "--budget",
        ];
        var (code, _, error) = Harness.Command([.. quantize, "2bit"]);
        Assert.Equal(1, code);
        var least = Regex.Match(error, @"the least is ([0-9.]+) bits a weight").Groups[1].Value;
        var given = Harness.Command([.. quantize, $"{least}bit"]);
        Assert.True(given.Code == 0, given.Error);
    }

    private static void IsNo(TemporaryFolder folder, string said, string budget, params string[] options)
    {
        var (code, _, error) = Harness.Command(["allocate", "--run", folder["run"], "--budget", budget, .. options]);
        Assert.Equal(1, code);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    private static void Fails(TemporaryFolder folder, string said, params string[] options)
    {
        var (code, _, error) = Harness.Command(["allocate", "--run", folder["run"], "--budget", "none", .. options]);
        Assert.Equal(2, code);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    private static Dictionary<string, int> Bits(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("layers").EnumerateArray()
            .ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("bits").GetInt32());
    }
}
