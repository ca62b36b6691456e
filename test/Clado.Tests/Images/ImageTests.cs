using Clado.Images;
using Clado.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Images;

public class ImageTests
{
    private static readonly ImageShape Shape = new(3, 8, 8, ChannelLayout.Nchw);

    [Fact]
    public void ClassFoldersFlatFoldersAndLabelsAreRead()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["set/b/2.png", "set/a/1.png", "set/a/3.jpg", "flat/1.png"])
        {
            Harness.Png(folder[name], 8, 8, SKColors.Red);
        }
        File.WriteAllText(folder["set/a/notes.txt"], "");
        var set = ImageFolder.Open(folder["set"]);
        Assert.Equal([("a/1.png", 0), ("a/3.jpg", 0), ("b/2.png", 1)], set.Items.Select(i => (i.Name, i.Label!.Value)));
        File.WriteAllText(folder["set/classes.txt"], "b\nc\na\n");
        Assert.Equal([2, 2, 0], ImageFolder.Open(folder["set"]).Items.Select(i => i.Label!.Value));
        Assert.False(ImageFolder.Open(folder["flat"]).IsLabelled);
        File.WriteAllText(folder["flat/labels.csv"], "file,class\n1.png,7\n");
        // With a separator at the end, as shells complete it.
        Assert.Equal(7, Assert.Single(ImageFolder.Open(folder["flat"] + Path.DirectorySeparatorChar).Items).Label);
        Assert.Equal(7, Assert.Single(ImageFolder.Open(folder["flat"]).Items).Label);
    }

    [Theory]
    [InlineData("ghost.png,1", "not there")]
    [InlineData("../up.png,1", "outside the folder")]
    [InlineData("1.png,cat", "class index")]
    [InlineData("1.png,-2", "class index")]
    [InlineData("1.png", "class index")]
    [InlineData("1.png,1\n1.png,2", "second time")]
    public void LabelsThatDoNotFitAreLocatedErrors(string lines, string problem)
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["up.png"], 8, 8, SKColors.Red);
        Harness.Png(folder["set/1.png"], 8, 8, SKColors.Red);
        File.WriteAllText(folder["set/labels.csv"], lines);
        var error = Assert.Throws<ImageFormatException>(() => ImageFolder.Open(folder["set"]));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains("labels.csv: line ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LimitIsDeterministicAndNested()
    {
        var set = new ImageSet("f", [.. Enumerable.Range(0, 100).Select(i => new ImageItem($"{i}", $"{i:000}", 0))]);
        var small = set.Limit(10, 1).Items;
        Assert.Equal(small, set.Limit(10, 1).Items);
        Assert.Subset(set.Limit(20, 1).Items.ToHashSet(), small.ToHashSet());
        Assert.NotEqual(small, set.Limit(10, 2).Items);
        Assert.Equal(set.Items, set.Limit(1000, 1).Items);
        var reversed = new ImageSet("f", [.. set.Items.Reverse()]);
        Assert.Equal(small, reversed.Limit(10, 1).Items);
    }

    [Fact]
    public void PixelsAreScaledShiftedAndOrdered()
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["c.png"], 8, 8, new SKColor(255, 51, 0));
        var rgb = Read(folder["c.png"], Shape, Preprocessing.Parse("imagenet"));
        Assert.Equal((1 - 0.485f) / 0.229f, rgb[0], 1e-6f);
        Assert.Equal((0.2f - 0.456f) / 0.224f, rgb[64], 1e-6f);
        Assert.Equal((0 - 0.406f) / 0.225f, rgb[191], 1e-6f);
        var tf = Read(folder["c.png"], Shape with { Layout = ChannelLayout.Nhwc }, Preprocessing.Parse("tf"));
        Assert.Equal([1, -0.6f, -1], tf[..3].Select(v => MathF.Round(v, 6)));
        File.WriteAllText(folder["p.json"], """{"scale": 1, "channels": "Bgr", "mean": [10, 20, 30], "std": [2, 2, 5]}""");
        var bgr = Read(folder["c.png"], Shape, Preprocessing.Parse(folder["p.json"]));
        Assert.Equal([-5, 15.5f, 45], (float[])[bgr[0], bgr[64], bgr[128]]);
    }

    /// <summary>Whoever gave values may change them later, and nobody can change a preset.</summary>
    [Fact]
    public void SettingsKeepValuesOfTheirOwn()
    {
        float[] mean = [1, 2, 3];
        var own = new Preprocessing { Mean = mean };
        mean[0] = 9;
        Assert.Equal([1, 2, 3], own.Mean);
        Assert.False(Preprocessing.Parse("imagenet").Mean is float[]);
        Assert.Throws<NotSupportedException>(() => ((IList<float>)Preprocessing.Parse("imagenet").Std)[0] = 9);
        Assert.Equal(
            """{"scale":1,"mean":[0.5,2],"std":[1],"channels":"Rgb","crop":true}""",
            new Preprocessing { Scale = 1, Mean = [0.5f, 2] }.ToJson());
    }

    [Fact]
    public void ImagesOfAnotherSizeAreScaledAndCroppedInTheMiddle()
    {
        using var folder = new TemporaryFolder();
        using var bitmap = new SKBitmap(64, 32, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Black);
        using (var canvas = new SKCanvas(bitmap))
        {
            using var white = new SKPaint { Color = SKColors.White };
            canvas.DrawRect(32, 0, 32, 32, white);
        }
        using (var data = bitmap.Encode(SKEncodedImageFormat.Png, 100))
        {
            File.WriteAllBytes(folder["wide.png"], data.ToArray());
        }
        var values = Read(folder["wide.png"], Shape, Preprocessing.Parse("raw255"));
        Assert.Equal(0, values[0]);
        Assert.Equal(255, values[7]);
        Assert.InRange(values[..8].Average(), 100, 155);
    }

    [Fact]
    public void ChannelsThatDoNotFitAreErrors()
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["colour.png"], 8, 8, SKColors.Red);
        Harness.Png(folder["gray.png"], 8, 8, SKColors.Gray, SKColorType.Gray8);
        var one = Shape with { Channels = 1 };
        var error = Assert.Throws<ImageFormatException>(() => Read(folder["colour.png"], one, Preprocessing.Parse("unit")));
        Assert.Contains("takes 1 channel", error.Message, StringComparison.Ordinal);
        Assert.Equal(128, Read(folder["gray.png"], one, Preprocessing.Parse("raw255"))[0]);
        Assert.Equal(128, Read(folder["gray.png"], Shape, Preprocessing.Parse("raw255"))[130]);
        Assert.Equal(76, Read(folder["colour.png"], one, Preprocessing.Parse("raw255") with { Channels = ChannelOrder.Gray })[0], 0.5f);
        Assert.Throws<CladoException>(() => ImageShape.Of([1, 4, 8, 8], null, "m.onnx"));
    }

    [Fact]
    public void BrokenImagesAndSettingsAreLocatedErrors()
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["whole.png"], 40, 40, SKColors.Red);
        var bytes = File.ReadAllBytes(folder["whole.png"]);
        File.WriteAllBytes(folder["cut.png"], bytes[..(bytes.Length / 2)]);
        File.WriteAllText(folder["text.png"], "no image");
        // A header that promises 60,000 × 60,000 pixels.
        bytes[18] = bytes[22] = 0xEA;
        File.WriteAllBytes(folder["bomb.png"], bytes);
        foreach (var name in (string[])["cut.png", "text.png", "bomb.png"])
        {
            Assert.Equal(
                folder[name], Assert.Throws<ImageFormatException>(() => Read(folder[name], Shape, Preprocessing.Parse("unit"))).File);
        }
        string[] settings = ["{", """{"scael": 1}""", """{"scale": 0}""", """{"std": [0]}""", """{"mean": null}""", """{"resize": -3}"""];
        foreach (var json in settings)
        {
            File.WriteAllText(folder["p.json"], json);
            Assert.Throws<ImageFormatException>(() => Preprocessing.Parse(folder["p.json"]));
        }
        Assert.Throws<ImageFormatException>(() => Preprocessing.Parse("imagnet"));
    }

    [Fact]
    public void BatchesCoverTheSet()
    {
        using var folder = new TemporaryFolder();
        var set = ImageFolder.Open(Harness.Images(folder, "set", 3));
        var net = new NetworkBuilder(input: [3, 24, 24]);
        var batches = new ImageBatches(set, net.Then("Relu", "y").BuildGraph(), Preprocessing.Parse("unit"), 10);
        Assert.Equal([10, 10, 4], Enumerable.Range(0, batches.Count).Select(i => batches.Load(i).Count));
        Assert.Equal(set.Items.Select(i => i.Label!.Value), Enumerable.Range(0, 3).SelectMany(i => batches.Load(i).Labels!));
    }

    /// <summary>As it was thrown: whoever looks at images knows one kind of error.</summary>
    [Fact]
    public void WhatGoesWrongAmongSeveralImagesIsThrownAsItIs()
    {
        using var folder = new TemporaryFolder();
        var set = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var graph = new NetworkBuilder(input: [3, 24, 24]).Then("Relu", "y").BuildGraph();
        Assert.Throws<IOException>(() => ImageBatches.Check(graph,
            new Workload(set, Preprocessing.Parse("unit"))
            {
                Resources = new() { Threads = 2 },
                Progress = new Broken(),
                Cancellation = TestContext.Current.CancellationToken,
            }));
    }

    private sealed class Broken : IProgress<double>
    {
        public void Report(double value) => throw new IOException("nobody listens");
    }

    private static float[] Read(string path, ImageShape shape, Preprocessing preprocessing)
    {
        var values = new float[shape.ElementCount];
        ImageReader.Read(path, shape, preprocessing, values);
        return values;
    }
}
