using Clado.Images;
using Clado.Onnx;
using Clado.Tasks;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>Images whose classes are counted otherwise than the model's: from a background, which it has and they have not.</summary>
public class LabelOffsetTests
{
    /// <summary>The probability of so many agreements is that of all ways to come to them.</summary>
    [Fact]
    public void TheTailIsTheSumOverAllOutcomes() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 12], Gen.Double[0, 1]).Sample((trials, wanted, probability) =>
        {
            int successes = Math.Min(wanted, trials);
            double slow = Enumerable.Range(0, 1 << trials).Where(way => int.PopCount(way) >= successes)
                .Sum(way => Math.Pow(probability, int.PopCount(way)) * Math.Pow(1 - probability, trials - int.PopCount(way)));
            Assert.Equal(slow, LabelHint.Tail(trials, successes, probability), 1e-9);
        });

    /// <summary>Of many images the first term is nothing at all, and the sum is right nevertheless.</summary>
    [Fact]
    public void TheTailOfManyImagesIsFinite()
    {
        Assert.InRange(LabelHint.Tail(50_000, 25_000, 0.5), 0.5, 0.51);
        Assert.InRange(LabelHint.Tail(50_000, 26_000, 0.5), 0, 1e-15);
        Assert.Equal(1, LabelHint.Tail(10, 10, 1));
        Assert.Equal(0, LabelHint.Tail(10, 1, 0));
    }

    /// <summary>Labels that are off by one are noticed; those that are right, or cannot be moved, are not spoken of.</summary>
    [Theory]
    [InlineData(1000)]
    [InlineData(11)]
    [InlineData(3)]
    public void AHintIsGivenWhereOneClassFurtherIsRight(int classes) => Gen.Int[0, 10_000].Sample(
        seed =>
        {
            var random = new Random(seed);
            // Labels leave the first and the last class, so that they could be moved either way.
            int[] labels = [.. Enumerable.Range(0, 200).Select(_ => random.Next(1, classes - 1))];
            int[] Right(int offset) => [.. labels.Select(label => random.Next(4) == 0 ? random.Next(classes) : label + offset)];
            if (classes > 3)
            {
                Assert.Contains($"{Settings.LabelOffset} 1", LabelHint.Of(Right(1), labels, classes), StringComparison.Ordinal);
                Assert.Contains($"{Settings.LabelOffset} -1", LabelHint.Of(Right(-1), labels, classes), StringComparison.Ordinal);
                // No room for an offset.
                Assert.Null(LabelHint.Of([.. Right(1).Prepend(0).Prepend(0)], [.. labels.Prepend(0).Prepend(classes - 1)], classes));
            }
            Assert.Null(LabelHint.Of(Right(0), labels, classes));
            // A model that says one thing, whatever it sees, agrees with one label by chance.
            Assert.Null(LabelHint.Of([.. labels.Select(_ => 2)], labels, classes));
            Assert.Null(LabelHint.Of([.. labels.Select(_ => 2)], [.. labels.Select(_ => 1)], classes));
        },
        iter: 50);

    [Fact]
    public void NonsenseIsSeldomTakenForAnOffset()
    {
        var random = new Random(1);
        int[] Draw() => [.. Enumerable.Range(0, 100).Select(_ => random.Next(1, 9))];
        int hints = Enumerable.Range(0, 2000).Count(_ => LabelHint.Of(Draw(), Draw(), 10) is not null);
        // One in a thousand, for each of two offsets.
        Assert.InRange(hints, 0, 12);
    }

    [Fact]
    public void LabelsAreMovedAndTheHashKnows()
    {
        var set = new ImageSet("f", [new("a", "a", 0), new("b", "b", 4)]) { Skipped = "1 skipped" };
        Assert.Equal([1, 5], set.WithLabelOffset(1).Items.Select(i => i.Label!.Value));
        Assert.Equal("1 skipped", set.WithLabelOffset(1).Skipped);
        Assert.Same(set, set.WithLabelOffset(0));
        Assert.Contains("which would be -1", Assert.Throws<CladoException>(() => set.WithLabelOffset(-1)).Message);
        Assert.Throws<CladoException>(() => set.WithLabelOffset(int.MaxValue));
        var unlabelled = new ImageSet("f", [new("a", "a", null)]);
        Assert.Contains("have no classes", Assert.Throws<CladoException>(() => unlabelled.WithLabelOffset(1)).Message);
    }

    /// <summary>Evaluating hints at the offset; with it labels are right, and a run remembers it.</summary>
    [Fact]
    public void AnOffsetIsHintedAtGivenAndRemembered()
    {
        using var folder = new TemporaryFolder();
        SaveHues(folder["net.onnx"]);
        Harness.Images(folder, "set", 8);
        string[] images = ["--images", folder["set"], "--preprocess", "unit"];
        var (code, output, error) = Harness.Command(["evaluate", folder["net.onnx"], .. images, "--json"]);
        Assert.Equal(0, code);
        Assert.Contains("with --label-offset 1", error);
        Assert.Contains("\"top1\": 0,", output);
        (code, output, error) = Harness.Command(["evaluate", folder["net.onnx"], .. images, "--label-offset", "1", "--json"]);
        Assert.Equal(0, code);
        Assert.DoesNotContain("--label-offset", error);
        Assert.Contains("\"top1\": 1,", output);
        (code, _, error) = Harness.Command(["evaluate", folder["net.onnx"], .. images, "--label-offset", "9"]);
        Assert.Equal(2, code);
        Assert.Contains("is not among the model's 9", error);

        string[] measure = ["measure", folder["net.onnx"], .. images, "--bits", "4,8", "--loss", "ce", "--estimator", "diagonal"];
        Assert.Equal(0, Harness.Command([.. measure, "--label-offset", "1", "--run", folder["run"]]).Code);
        Assert.Contains("\"labelOffset\": 1", File.ReadAllText(folder["run/run.json"]), StringComparison.Ordinal);
        (code, _, error) = Harness.Command("sweep", "--run", folder["run"], "--budgets", "6bit");
        Assert.True(code == 0, error);
        Assert.DoesNotContain("--label-offset", error);
        // The same images elsewhere have the run's offset, unless another is given.
        string[] evaluate = ["sweep", "--run", folder["run"], "--budgets", "6bit", "--evaluate", folder["set"]];
        (code, output, error) = Harness.Command([.. evaluate, "--json"]);
        Assert.True(code == 0, error);
        Assert.Contains("\"top1\": 1", output);
        (code, _, error) = Harness.Command([.. evaluate, "--label-offset", "0"]);
        Assert.True(code == 0, error);
        Assert.Contains("with --label-offset 1", error);
        Assert.Equal(0, Harness.Command("report", "--run", folder["run"], "-o", folder["report.html"]).Code);
        Assert.Contains("--label-offset 1", File.ReadAllText(folder["report.html"]));
        // Other labels are another measurement.
        (code, _, error) = Harness.Command([.. measure, "--run", folder["run"]]);
        Assert.Equal(2, code);
        Assert.Contains("imagesSha256", error);
        (code, _, error) = Harness.Command("sweep", "--run", folder["run"], "--label-offset", "1");
        Assert.Equal(2, code);
        Assert.Contains("--evaluate, which is missing", error);
    }

    /// <summary>A model of the eight hues of the images, behind a background that is never seen.</summary>
    private static void SaveHues(string path)
    {
        var net = new NetworkBuilder(input: [3, 24, 24]);
        var hues = Enumerable.Range(0, 8).Select(k => SKColor.FromHsv(45 * k, 60, 100)).SelectMany(c => (float[])[c.Red, c.Green, c.Blue]);
        var centred = hues.Chunk(3).Select(c => c.Select(v => v - c.Average()).ToArray());
        float[] directions = [.. centred.SelectMany(c => c.Select(v => v / MathF.Sqrt(c.Sum(u => u * u))))];
        float[] same = [.. Enumerable.Range(0, 81).Select(i => i % 10 == 0 ? 20f : 0)];
        net.Model.Graph.Initializer.Add(TensorData.Singles("w", [-9, -9, -9, .. directions], [9, 3, 1, 1]));
        net.Model.Graph.Initializer.Add(TensorData.Singles("same", same, [9, 9]));
        net.Then("Conv", "c", ["w"]).Then("GlobalAveragePool", "p").Then("Flatten", "f")
            .Then("Gemm", "logits", ["same"], NodeExtensions.Attribute("transB", 1));
        File.WriteAllBytes(path, net.Build().ToByteArray());
    }
}
