using System.Text.Json;
using Clado.Candidates;
using Clado.Onnx;
using Clado.Runs;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Runs;

/// <summary>Runs in which rows may have widths of their own.</summary>
public class RowGranularityTests
{
    [Fact]
    public void EveryVerbTakesThem()
    {
        using var folder = new TemporaryFolder();
        var images = Network(folder);
        Succeeds([.. Measure(folder, images, "run"), "--estimator", "fisher"]);
        foreach (string[] more in (string[][])[[], ["--refine"], ["--activations", "8"], ["--activations", "auto"]])
        {
            Succeeds(["export", "--run", folder["run"], "--budget", "2.6bit", "-o", folder["o.onnx"], .. more]);
            Succeeds("evaluate", folder["o.onnx"], "--images", images, "--preprocess", "unit", "--reference", folder["model.onnx"]);
            Succeeds("inspect", folder["o.onnx"]);
        }
        var text = Succeeds("allocate", "--run", folder["run"], "--budget", "2.6bit", "--json");
        using var json = JsonDocument.Parse(text);
        var layers = json.RootElement.GetProperty("layers").EnumerateArray();
        var mixed = layers.Where(layer => layer.TryGetProperty("rowBits", out _)).ToArray();
        Assert.NotEmpty(mixed);
        Assert.All(mixed, layer =>
        {
            int[] rows = [.. layer.GetProperty("rowBits").EnumerateArray().Select(bits => bits.GetInt32())];
            Assert.Equal(rows.Average(), layer.GetProperty("meanBits").GetDouble(), 1e-12);
            Assert.Equal(rows.Max(), layer.GetProperty("bits").GetInt32());
        });
        Assert.InRange(json.RootElement.GetProperty("bitsPerWeight").GetDouble(), 2, 2.6);
        Assert.Contains("(2–", Succeeds("allocate", "--run", folder["run"], "--budget", "2.6bit"), StringComparison.Ordinal);
        Succeeds("sweep", "--run", folder["run"], "--budgets", "2.5bit,3bit", "--evaluate", images, "--rounds", "0");
        Succeeds("report", "--run", folder["run"], "-o", folder["r.html"]);
        // What shares a width has one, and a pinned layer too.
        text = Succeeds("allocate", "--run", folder["run"], "--budget", "2.6bit", "--same-bits", "*", "--json");
        using var shared = JsonDocument.Parse(text);
        layers = shared.RootElement.GetProperty("layers").EnumerateArray();
        Assert.All(layers, layer => Assert.False(layer.TryGetProperty("rowBits", out _)));
    }

    /// <summary>The same for any number of threads, and what is damaged is made again.</summary>
    [Fact]
    public void TheyAreProductsOfTheRun()
    {
        using var folder = new TemporaryFolder();
        var images = Network(folder);
        Succeeds([.. Measure(folder, images, "one"), "--threads", "1"]);
        Succeeds([.. Measure(folder, images, "three"), "--threads", "3"]);
        string[] products = ["rows.safetensors", "mixed.safetensors", "candidates.csv", "sensitivity.safetensors"];
        Assert.All(products, name => Assert.Equal(File.ReadAllBytes(folder[$"one/{name}"]), File.ReadAllBytes(folder[$"three/{name}"])));
        foreach (var name in products)
        {
            var bytes = File.ReadAllBytes(folder[$"one/{name}"]);
            bytes[bytes.Length / 2] ^= 4;
            File.WriteAllBytes(folder[$"one/{name}"], bytes);
            string[] reader = name.EndsWith(".csv", StringComparison.Ordinal) ? ["report", "--run", folder["one"], "-o", folder["r.html"]]
                : ["allocate", "--run", folder["one"], "--budget", "3bit"];
            var (code, _, error) = Harness.Command(reader);
            // What rows cost is not needed any more.
            Assert.Equal(name == products[0] ? 0 : 2, code);
            Assert.Equal(name != products[0], error.Contains($"one/{name}: is damaged", StringComparison.Ordinal));
            Succeeds([.. Measure(folder, images, "one"), "--threads", "2"]);
            bool isWhole = File.ReadAllBytes(folder[$"three/{name}"]).SequenceEqual(File.ReadAllBytes(folder[$"one/{name}"]));
            Assert.Equal(name != products[0], isWhole);
        }
    }

    [Fact]
    public void AFileOfWidthsThatNoRowCanHaveIsRefused()
    {
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 3, 4);
        int count = candidates.Layers[0].ChannelCount;
        IReadOnlyList<IReadOnlyList<int[]>> Mixtures(params int[] first) =>
            [.. candidates.Layers.Select((_, layer) => layer == 0 ? new[] { first } : (IReadOnlyList<int[]>)[])];
        IReadOnlyList<IReadOnlyList<int[]>> Read(IReadOnlyList<IReadOnlyList<int[]>> mixtures, CandidateSet others, string? name = null)
        {
            using var stream = new MemoryStream();
            var file = MixtureFile.Of(mixtures, candidates);
            file.Metadata["version"] = name ?? file.Metadata["version"];
            file.Write(stream);
            stream.Position = 0;
            return MixtureFile.Read(stream, others);
        }

        int[] sound = [2, .. Enumerable.Repeat(4, count - 1)];
        Assert.Equal(Mixtures(sound), Read(Mixtures(sound), candidates));
        Assert.Throws<InvalidDataException>(() => Read(Mixtures(sound), Harness.Candidates(graph, 2, 3)));
        Assert.Throws<InvalidDataException>(() => Read(Mixtures(sound), candidates, "2"));
        foreach (int[] rows in (int[][])[
            [5, .. sound[1..]], [-1, .. sound[1..]], [.. Enumerable.Repeat(2, count)], [2, .. sound], sound[1..]])
        {
            Assert.Throws<InvalidDataException>(() => Read(Mixtures(rows), candidates));
        }
    }

    [Fact]
    public void TheyWantGradients()
    {
        using var folder = new TemporaryFolder();
        var images = Network(folder);
        var (code, _, error) = Harness.Command([.. Measure(folder, images, "run"), "--estimator", "additive"]);
        Assert.Equal(2, code);
        Assert.Contains(
            "--granularity row wants gradients, and --estimator additive takes none; use --estimator fisher", error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void MetricsOfLayersSayNothingOfThem()
    {
        using var folder = new TemporaryFolder();
        var images = Network(folder);
        var (code, _, error) = Harness.Command(["compare", .. Measure(folder, images, "run")[1..], "--budgets", "3bit"]);
        Assert.Equal(2, code);
        Assert.Contains("metrics are of layers: leave --granularity row out", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    private static string Network(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build(), folder["model.onnx"]);
        return Harness.Images(folder, "set", 2);
    }

    private static string[] Measure(TemporaryFolder folder, string images, string run) =>
        ["measure", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--run", folder[run], "--granularity", "row"];

    private static string Succeeds(params string[] args)
    {
        var (code, output, error) = Harness.Command(args);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {error}");
        return output;
    }
}
