using System.Text;
using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static System.FormattableString;

namespace Clado.Tests.Curves;

public class SweepTests
{
    [Fact]
    public void EveryPointIsWhatTheWrittenFileMeasures()
    {
        using var folder = new TemporaryFolder();
        var (model, images, test) = Measured(folder);
        string[] sweep = ["sweep", "--run", folder["run"], "--evaluate", test, "--budgets", "3500,2.5bit,50%"];
        var points = Points([.. sweep, "-o", folder["c.csv"], "--json"]);
        Assert.Equal(PipelineOptions.DefaultBits.Count + (2 * 3), points.Length);
        foreach (var point in points.Where(p => Method(p) == "clado"))
        {
            var budget = point.GetProperty("budget").GetString()!;
            Assert.Equal(0, Harness.Command("export", "--run", folder["run"], "--budget", budget, "-o", folder["x.onnx"]).Code);
            Assert.Equal(new FileInfo(folder["x.onnx"]).Length, point.GetProperty("sizeBytes").GetInt64());
            string[] evaluate = ["evaluate", folder["x.onnx"], "--images", test, "--preprocess", "unit", "--reference", model];
            var evaluated = Harness.Command([.. evaluate, "--json"]);
            using var alone = JsonDocument.Parse(evaluated.Output);
            foreach (var key in (string[])["top1", "agreement"])
            {
                Assert.Equal(alone.RootElement.GetProperty(key).GetDouble(), point.GetProperty(key).GetDouble());
            }
            var allocate = Harness.Command("allocate", "--run", folder["run"], "--budget", budget, "--json");
            var allocated = JsonDocument.Parse(allocate.Output).RootElement;
            Assert.Equal(allocated.GetProperty("predictedLoss").GetDouble(), point.GetProperty("predictedLoss").GetDouble());
            var layers = allocated.GetProperty("layers").EnumerateArray();
            Assert.Equal(
                layers.Select(l => (l.GetProperty("name").GetString(), l.GetProperty("bits").GetInt32())),
                point.GetProperty("allocation").EnumerateObject().Select(l => ((string?)l.Name, l.Value.GetInt32())));
            Assert.True(point.TryGetProperty("budgetBytes", out var bytes) == (budget != "2.5bit") && point.TryGetProperty("gap", out _));
        }
        foreach (var uniform in points.Where(p => Method(p) == "uniform"))
        {
            var bits = uniform.GetProperty("budget").GetString()![0] - '0';
            Assert.All(uniform.GetProperty("allocation").EnumerateObject(), layer => Assert.Equal(bits, layer.Value.GetInt32()));
            Assert.False(uniform.TryGetProperty("gap", out _));
        }
        GainsAreDifferencesOfThePoints(points);
        // Sorted by size, and the same in the CSV.
        Assert.Equal(points.Select(Size).Order(), points.Select(Size));
        var lines = File.ReadAllLines(folder["c.csv"]);
        Assert.Equal(
            "method,budget,budgetBytes,sizeBytes,bitsPerWeight,predictedLoss,measuredLoss,top1,agreement,gap,allocation,"
                + "measure,measureValue",
            lines[0]);
        Assert.Equal(points.Select(p => (Method(p), $"{Size(p)}")), lines.Skip(1).Select(l => l.Split(',')).Select(c => (c[0], c[3])));
    }

    /// <summary>What is compared image by image has the mean that the points' own figures have.</summary>
    private static void GainsAreDifferencesOfThePoints(JsonElement[] points)
    {
        var own = points.Where(p => Method(p) == "clado").ToArray();
        // The diagonal choice of the budget, uniform widths on both sides as far as there are such, the next smaller of its own.
        Assert.All(own, p => Assert.InRange(p.GetProperty("gains").GetArrayLength(), 2, 4));
        Assert.All(points, p => Assert.True(p.GetProperty("measuredLossError").GetDouble() >= 0));
        foreach (var (point, gain) in own.SelectMany(p => p.GetProperty("gains").EnumerateArray().Select(gain => (p, gain))))
        {
            var other = points.Single(p => Method(p) == gain.GetProperty("method").GetString()
                && p.GetProperty("budget").GetString() == gain.GetProperty("budget").GetString());
            double Of(string key) => other.GetProperty(key).GetDouble() - point.GetProperty(key).GetDouble();
            double Mean(string key) => gain.GetProperty(key).GetProperty("mean").GetDouble();
            Assert.Equal(Of("measuredLoss"), Mean("loss"), 1e-9);
            Assert.Equal(-Of("top1"), Mean("top1"), 1e-9);
            Assert.Equal(-Of("agreement"), Mean("agreement"), 1e-9);
            bool isSame = point.GetProperty("allocation").ToString() == other.GetProperty("allocation").ToString();
            Assert.Equal(isSame, gain.GetProperty("loss").GetProperty("standardError").GetDouble() == 0);
        }
    }

    [Fact]
    public void ARerunMeasuresNothingAndAnInterruptedOneGoesOn()
    {
        using var folder = new TemporaryFolder();
        var (_, _, test) = Measured(folder);
        string[] command = ["sweep", "--run", folder["run"], "--evaluate", test, "--points", "6", "--rounds", "1", "--json"];
        var whole = Points(command);
        Assert.Equal(PipelineOptions.DefaultBits.Count + (2 * 6), whole.Length);
        var kept = Directory.GetFiles(folder["run"], "sweep-*.json").Single();
        var text = File.ReadAllText(kept);
        File.SetLastWriteTimeUtc(kept, DateTime.UnixEpoch);
        Assert.Equal(whole.Select(p => p.ToString()), Points([.. command, "--threads", "1"]).Select(p => p.ToString()));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(kept));

        // As it lies there after a kill: some of the points. With other threads the rest comes out the same to the last bit.
        var node = System.Text.Json.Nodes.JsonNode.Parse(text)!;
        var points = node["points"]!.AsArray();
        for (int i = points.Count - 1; i >= 0; i -= 2)
        {
            points.RemoveAt(i);
        }
        FolderDamager.Forge(folder["run"], Path.GetFileName(kept), Encoding.UTF8.GetBytes(node.ToJsonString()));
        Points([.. command, "--threads", "1"]);
        Assert.Equal(text, File.ReadAllText(kept));
        FolderDamager.Forge(folder["run"], Path.GetFileName(kept), "{"u8.ToArray());
        var broken = Harness.Command(command);
        Assert.Equal(2, broken.Code);
        Assert.Contains("is no curve", broken.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ChosenBudgetsGoFromTheSmallestFileToAllLayersAtTheirWidest()
    {
        using var folder = new TemporaryFolder();
        // Widths without bit planes, whose functions cost bytes once, however many layers use them.
        Measured(folder, "--estimator", "additive", "--bits", "2,4,8");
        var points = Points("sweep", "--run", folder["run"], "--points", "5", "--json");
        var own = points.Where(p => Method(p) == "clado").ToArray();
        Assert.Equal(5, own.Length);
        long Of(string budget) => Size(points.Single(p => p.GetProperty("budget").GetString() == budget));
        Assert.Equal(Of("2bit"), Size(own[0]));
        Assert.Equal(Of("8bit"), own[^1].GetProperty("budgetBytes").GetInt64());
        // On one matrix, more bytes never predict more loss.
        double[] losses = [.. own.Select(p => p.GetProperty("predictedLoss").GetDouble())];
        Assert.Equal(losses.OrderDescending(), losses);
    }

    [Fact]
    public void ABudgetThatCannotBeKeptIsSaidAndTheOthersAreStillSwept()
    {
        using var folder = new TemporaryFolder();
        Measured(folder);
        var (code, output, error) = Harness.Command("sweep", "--run", folder["run"], "--budgets", "900,3bit", "--json");
        Assert.Equal(1, code);
        Assert.Contains("--budget 900: no choice of these widths is that small", error, StringComparison.Ordinal);
        Assert.Equal(PipelineOptions.DefaultBits.Count + 2, JsonDocument.Parse(output).RootElement.GetArrayLength());
    }

    [Fact]
    public void TheSmallestSizeForADropIsVerifiedAndAnImpossibleOneIsExitCodeOne()
    {
        using var folder = new TemporaryFolder();
        var (_, _, test) = Measured(folder);
        string[] command = ["sweep", "--run", folder["run"], "--evaluate", test, "--rounds", "0", "--json", "--target-drop"];
        var (code, output, error) = Harness.Command([.. command, "10"]);
        Assert.True(code == 0, error);
        var points = JsonDocument.Parse(output).RootElement.EnumerateArray().ToArray();
        var kept = File.ReadAllText(Directory.GetFiles(folder["run"], "sweep-*.json").Single());
        double whole = JsonDocument.Parse(kept).RootElement.GetProperty("floatTop1").GetDouble();
        long best = points.Where(p => 100 * (whole - p.GetProperty("top1").GetDouble()) <= 10).Min(Size);
        Assert.Contains(Invariant($"{best:N0} bytes ("), error, StringComparison.Ordinal);
        Assert.Contains("write it with: clado export", error, StringComparison.Ordinal);

        // Without labels it is agreement that must not drop: an untrained network at 2 bits does not keep all of it.
        foreach (var (file, i) in Directory.GetFiles(test, "*.png", SearchOption.AllDirectories).Select((file, i) => (file, i)))
        {
            Directory.CreateDirectory(folder["plain"]);
            File.Copy(file, folder[$"plain/{i:000}.png"]);
        }
        var plain = Harness.Command(
            "sweep", "--run", folder["run"], "--evaluate", folder["plain"], "--rounds", "0", "--json", "--target-drop", "0");
        var plainPoints = JsonDocument.Parse(plain.Output).RootElement.EnumerateArray();
        double[] reached = [.. plainPoints.Select(p => p.GetProperty("agreement").GetDouble())];
        Assert.Equal(reached.Max() == 1 ? 0 : 1, plain.Code);
        Assert.Contains("agreement with FP32", plain.Error, StringComparison.Ordinal);

        // 2 bits alone: their drop is all there is.
        string[] measure = ["measure", folder["model.onnx"], "--images", folder["images"], "--preprocess", "unit"];
        Assert.Equal(0, Harness.Command([.. measure, "--run", folder["narrow"], "--bits", "2", "--rounding", "nearest"]).Code);
        var narrow = Harness.Command("sweep", "--run", folder["narrow"], "--evaluate", folder["plain"], "--target-drop", "0");
        Assert.Equal(1, narrow.Code);
        Assert.Contains("the least drop is", narrow.Error, StringComparison.Ordinal);
        Assert.Equal(2, Harness.Command([.. command, "-1"]).Code);
        Assert.Equal(2, Harness.Command("sweep", "--run", folder["run"], "--points", "1").Code);
    }

    /// <summary>A measured run folder "run" of a small classifier, and images to evaluate on.</summary>
    private static (string Model, string Images, string Test) Measured(TemporaryFolder folder, params string[] more)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 3);
        string[] measure = ["measure", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--run", folder["run"]];
        var (code, _, error) = Harness.Command([.. measure, .. more]);
        Assert.True(code == 0, error);
        return (folder["model.onnx"], images, Harness.Images(folder, "test", 5, seed: 4));
    }

    private static JsonElement[] Points(params string[] command)
    {
        var (code, output, error) = Harness.Command(command);
        Assert.True(code == 0, error);
        return [.. JsonDocument.Parse(output).RootElement.EnumerateArray()];
    }

    private static string Method(JsonElement point) => point.GetProperty("method").GetString()!;

    private static long Size(JsonElement point) => point.GetProperty("sizeBytes").GetInt64();
}
