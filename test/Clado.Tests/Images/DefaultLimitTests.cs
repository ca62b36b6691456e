using System.Text.Json;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Images;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;
using static System.FormattableString;

namespace Clado.Tests.Images;

/// <summary>Without a limit a folder of many images is drawn from, and that is said.</summary>
public class DefaultLimitTests
{
    private const int PerClass = (ImageSet.DefaultLimit / 8) + 1;
    private const int All = 8 * PerClass;

    /// <summary>
    /// However images are sorted, each class keeps about its share: within a few standard deviations, as in a draw without order.
    /// </summary>
    [Theory]
    [InlineData(10, 5000)]
    [InlineData(1000, 50)]
    public void ADrawIsAGoodSampleOfSortedClasses(int classes, int perClass)
    {
        var set = new ImageSet("f", [.. Enumerable.Range(0, classes * perClass)
            .Select(i => new ImageItem($"{i}", $"{i / perClass:0000}/{i:000000}.png", i / perClass))]);
        var drawn = set.Limit(ImageSet.DefaultLimit, 0);
        Assert.Equal((ImageSet.DefaultLimit, classes * perClass), (drawn.Items.Count, drawn.Found));
        Assert.Equal(drawn.Items.OrderBy(i => i.Name, StringComparer.Ordinal), drawn.Items);
        var counts = Enumerable.Range(0, classes).ToDictionary(label => label, label => drawn.Items.Count(i => i.Label == label));
        double expected = (double)ImageSet.DefaultLimit / classes;
        double deviation = Math.Sqrt(expected);
        Assert.All(counts.Values, count => Assert.InRange(count, expected - (5 * deviation), expected + (7 * deviation)));
        // Of classes without an image there are as many as chance leaves.
        double missed = classes * Math.Pow(1 - (1.0 / classes), ImageSet.DefaultLimit);
        Assert.InRange(counts.Values.Count(count => count == 0), (missed * 0.8) - 1, (missed * 1.2) + 1);
        // Where the files lie, and in which order they are listed, does not matter.
        var moved = new ImageSet("g", [.. set.Items.Reverse().Select(i => i with { Path = $"elsewhere/{i.Path}" })]);
        Assert.Equal(drawn.Items.Select(i => i.Name), moved.Limit(ImageSet.DefaultLimit, 0).Items.Select(i => i.Name));
    }

    [Fact]
    public void WhoMeasuresHasALimitAndWhoEvaluatesHasNone()
    {
        var options = new PipelineOptions { Model = "m", Images = "i" };
        Assert.Equal(PipelineOptions.DefaultLimit, options.Limit);
        Assert.Null((options with { Limit = null }).Limit);
        Assert.Null(new SweepOptions().Limit);
        Assert.Null(new EvaluationOptions { Images = "i" }.Limit);
    }

    [Fact]
    public void TheDefaultIsSaidAndAFolderKnowsItsImages()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var images = Harness.Images(folder, "images", PerClass);
        string[] measuring = [folder["m.onnx"], "--images", images, "--preprocess", "unit", "--bits", "2,8", "--rounding", "nearest",
            "--estimator", "diagonal", "--activations", "float"];
        string note = Invariant($"note: 1,024 of {All:N0} images in {images} are used, drawn by their names; --limit all uses every one");
        Assert.Contains(note, Run(0, ["measure", .. measuring, "--run", folder["run"]]).Error, StringComparison.Ordinal);
        using var description = JsonDocument.Parse(File.ReadAllText(folder["run/run.json"]));
        int Of(string key) => description.RootElement.GetProperty(key).GetInt32();
        Assert.Equal((1024, All, 1024), (Of("imageCount"), Of("imagesFound"), Of("limit")));

        // The same options, said or not, go on in the folder.
        string[] quantizing = ["quantize", .. measuring, "--budget", "4bit", "-o", folder["q.onnx"], "--json"];
        var whole = Run(0, [.. quantizing, "--run", folder["run"], "--limit", "1024"]);
        AssertImages(1024, All, whole.Output);
        AssertImages(1024, All, Run(0, ["allocate", "--run", folder["run"], "--budget", "4bit", "--json"]).Output);
        var other = Run(2, [.. quantizing, "--run", folder["run"], "--limit", "all"]);
        Assert.Contains($"imageCount (there 1024, now {All})", other.Error, StringComparison.Ordinal);
        Assert.Contains("or the same options: --limit 1024", other.Error, StringComparison.Ordinal);

        var all = Run(0, [.. quantizing, "--run", folder["all"], "--limit", "all"]);
        Assert.DoesNotContain("images in", all.Error, StringComparison.Ordinal);
        AssertImages(All, All, all.Output);
        Assert.Contains(
            "or the same options: --limit all", Run(2, ["measure", .. measuring, "--run", folder["all"]]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ASweepAndAnEvaluationHaveAllImages()
    {
        using var folder = new TemporaryFolder();
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        var (few, many) = (Harness.Images(folder, "few", 2), Harness.Images(folder, "many", PerClass));
        Run(0, "measure", folder["m.onnx"], "--images", few, "--preprocess", "unit", "--bits", "2,8", "--rounding", "nearest",
            "--estimator", "diagonal", "--activations", "float", "--run", folder["run"]);
        string[] sweeping = ["sweep", "--run", folder["run"], "--evaluate", many, "--budgets", "4bit", "--json"];
        Assert.Contains(
            Invariant($"1,024 of {All:N0} images in {many}"), Run(0, [.. sweeping, "--limit", "1024"]).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("images in", Run(0, sweeping).Error, StringComparison.Ordinal);
        int[] sizes = [.. Directory.GetFiles(folder["run"], "sweep-*.json").Select(file =>
        {
            using var curve = JsonDocument.Parse(File.ReadAllText(file));
            return curve.RootElement.GetProperty("images").GetInt32();
        }).Order()];
        Assert.Equal([1024, All], sizes);

        int Evaluated(params string[] limit)
        {
            using var result = JsonDocument.Parse(
                Run(0, ["evaluate", folder["m.onnx"], "--images", many, "--preprocess", "unit", "--json", .. limit]).Output);
            return result.RootElement.GetProperty("images").GetInt32();
        }

        Assert.Equal((All, All, 9), (Evaluated(), Evaluated("--limit", "all"), Evaluated("--limit", "9")));
    }

    private static void AssertImages(int used, int found, string json)
    {
        using var document = JsonDocument.Parse(json);
        int Of(string key) => document.RootElement.GetProperty(key).GetInt32();
        Assert.Equal((used, found), (Of("imagesUsed"), Of("imagesFound")));
    }

    private static (string Output, string Error) Run(int code, params string[] args)
    {
        var result = Harness.Command(args);
        Assert.True(result.Code == code, result.Error);
        return (result.Output, result.Error);
    }
}
