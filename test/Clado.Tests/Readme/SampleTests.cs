using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Evaluation;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Readme;

/// <summary>What samples/README.md says of the samples.</summary>
public class SampleTests
{
    // PyTorch and ONNX Runtime sum in different orders, on other processors in others again: an image between two classes may fall either
    // way.
    private const int Tied = 2;
    private static readonly string Folder = Path.Combine(Repository.Root, "samples");

    [Theory]
    [InlineData("resnet20")]
    [InlineData("vit")]
    public void TheNetworkClassifiesAsManyTestImagesAsPyTorchCounted(string name)
    {
        var row = Regex.Match(
            File.ReadAllText(Path.Combine(Folder, "README.md")), $@"^\| \[{name}\.onnx\].* (?<right>[\d,]+) of 2,000",
            RegexOptions.Multiline);
        int stated = int.Parse(row.Groups["right"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        var model = Path.Combine(Folder, $"{name}.onnx");
        var preprocessing = Preprocessing.Parse(Path.Combine(Folder, "preprocessing.json"));
        var images = ImageFolder.Open(Path.Combine(Folder, "images", "test"));
        var result = Evaluator.Evaluate(
            new(model), null, new(), new Workload(images, preprocessing) { Cancellation = TestContext.Current.CancellationToken });
        Assert.InRange(result.Top1!.Value * images.Items.Count, stated - Tied, stated + Tied);
    }

    [Theory]
    [InlineData("resnet20")]
    [InlineData("vit")]
    public void EveryWeightMatrixCanBeQuantized(string name)
    {
        var graph = Graph.Read(Path.Combine(Folder, $"{name}.onnx"));
        var layers = LayerFinder.Find(graph);
        Assert.True(graph.HasFreeBatch);
        Assert.Equal(name == "vit" ? 20 : 22, layers.Layers.Count);
        // Products of activations have no weights. The constants that stay float are biases, positions and scales, and few.
        Assert.All(
            layers.Kept.Where(kept => kept.Constant is null),
            kept => Assert.Contains("both are activations", kept.Reason, StringComparison.Ordinal));
        Assert.True(layers.Kept.Sum(kept => kept.Bytes) < graph.FileSizeBytes / 20);
        Assert.DoesNotContain(graph.Model.Graph.Node, n => n.OpType == "BatchNormalization");
    }

    [Fact]
    public void ImagesAreEquallyManyAClassAndAllIsSmall()
    {
        foreach (var (name, count) in (ReadOnlySpan<(string, int)>)[("calibration", 512), ("test", 2000)])
        {
            var classes = ImageFolder.Open(Path.Combine(Folder, "images", name)).Items.CountBy(i => i.Label!.Value).ToDictionary();
            Assert.Equal(Enumerable.Range(0, 10), classes.Keys.Order());
            Assert.Equal(count, classes.Values.Sum());
            Assert.InRange(classes.Values.Max() - classes.Values.Min(), 0, 1);
        }
        Assert.InRange(new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length), 1, 4_000_000);
    }
}
