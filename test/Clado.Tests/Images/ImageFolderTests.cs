using System.Security.Cryptography;
using System.Text;
using Clado.Images;
using Clado.Records;
using Clado.Tests.Support;
using Google.Protobuf;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Images;

/// <summary>Which files of a folder are its images, and what is said of the others.</summary>
public class ImageFolderTests
{
    [Fact]
    public void NestedFoldersAreReadAndTheirClassIsTheFirstFolder()
    {
        using var folder = new TemporaryFolder();
        Touch(folder, "set/b/deep/er/1.png", "set/a/2.JPG", "set/a/x/3.webp", "set/b/4.gif", "set/c/d/5.bmp");
        var set = ImageFolder.Open(folder["set"]);
        Assert.Equal(
            [("a/2.JPG", 0), ("a/x/3.webp", 0), ("b/4.gif", 1), ("b/deep/er/1.png", 1), ("c/d/5.bmp", 2)],
            set.Items.Select(i => (i.Name, i.Label!.Value)));
        Assert.Null(set.Skipped);
        // Beside images, folders are no classes.
        Touch(folder, "set/0.png");
        set = ImageFolder.Open(folder["set"]);
        Assert.Equal(6, set.Items.Count);
        Assert.All(set.Items, item => Assert.Null(item.Label));
    }

    [Fact]
    public void WhatIsSkippedIsCountedAndSaid()
    {
        using var folder = new TemporaryFolder();
        Touch(folder, "set/b/1.png", "set/a/2.png", "set/a/._2.png", "set/a/Thumbs.db", "set/.DS_Store", "set/b/desktop.ini");
        Touch(folder, "set/__MACOSX/a/2.png", "set/.git/1.png", "set/a/notes.txt", "set/a/more.txt", "set/a/README", "set/a/x.tiff");
        var set = ImageFolder.Open(folder["set"]);
        // Folders that a system left are no classes: they would move those that follow.
        Assert.Equal([("a/2.png", 0), ("b/1.png", 1)], set.Items.Select(i => (i.Name, i.Label!.Value)));
        Assert.Equal("10 skipped: 1 .tiff, 2 .txt, 6 hidden or left by a system, 1 without an ending", set.Skipped);
        Assert.Equal(set.Skipped, set.Limit(1, 0).Skipped);
        Touch(folder, "none/a/x.tiff");
        Assert.Contains("(1 skipped: 1 .tiff)", Assert.Throws<ImageFormatException>(() => ImageFolder.Open(folder["none"])).Message);
        File.WriteAllText(folder["set/labels.csv"], "file,class\na/2.png,3\n");
        Assert.Contains("1 that labels.csv does not list", ImageFolder.Open(folder["set"]).Skipped);
    }

    /// <summary>The command line says it before anything is measured, and evaluate says it too.</summary>
    [Fact]
    public void TheCommandLineSaysWhatIsSkipped()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["net.onnx"], NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build().ToByteArray());
        var images = Harness.Images(folder, "set", 1);
        Touch(folder, "set/0/Thumbs.db");
        string[] on = [folder["net.onnx"], "--images", images, "--preprocess", "unit"];
        var (code, _, error) = Harness.Command(["measure", .. on, "--bits", "8", "--run", folder["run"]]);
        Assert.True(code == 0, error);
        Assert.Contains("skipped: 1 hidden or left by a system", error);
        (code, _, error) = Harness.Command(["evaluate", .. on]);
        Assert.True(code == 0, error);
        Assert.Contains("skipped: 1 hidden or left by a system", error);
    }

    [Fact]
    public void LinksDoNotLeadInCircles()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("links need rights there");
        }
        using var folder = new TemporaryFolder();
        Touch(folder, "elsewhere/cats/1.png", "set/b/2.png", "set/c/3.png");
        Directory.CreateSymbolicLink(folder["set/a"], folder["elsewhere/cats"]);
        Directory.CreateSymbolicLink(folder["set/b/up"], folder["set"]);
        Directory.CreateSymbolicLink(folder["set/d"], folder["set"]);
        var set = ImageFolder.Open(folder["set"]);
        // A class may lie elsewhere, and has its place in the order.
        Assert.Equal([("a/1.png", 0), ("b/2.png", 1), ("c/3.png", 2)], set.Items.Select(i => (i.Name, i.Label!.Value)));
        Assert.Equal("2 skipped: 2 links to folders", set.Skipped);
        Touch(folder, "set/0.png");
        Assert.Equal(["0.png", "b/2.png", "c/3.png"], ImageFolder.Open(folder["set"]).Items.Select(i => i.Name));
    }

    /// <summary>Run folders remember this hash: PNG and JPEG files in a folder or its class folders have the one they always had.</summary>
    [Fact]
    public void TheHashOfWhatEarlierVersionsReadIsAsItWas()
    {
        using var folder = new TemporaryFolder();
        Touch(folder, "set/b/2.png", "set/a/1.jpeg", "set/a/3.JPG");
        var text = new MemoryStream();
        foreach (var (name, label) in ((string, int)[])[("a/1.jpeg", 0), ("a/3.JPG", 0), ("b/2.png", 1)])
        {
            text.Write(Encoding.UTF8.GetBytes($"{name}\n{label}\n"));
            text.Write(SHA256.HashData(File.ReadAllBytes(folder[$"set/{name}"])));
        }
        var hash = Convert.ToHexStringLower(SHA256.HashData(text.ToArray()));
        Assert.Equal(hash, ImageFolder.Open(folder["set"]).Sha256);
        // What earlier versions did not see does not matter to them.
        Touch(folder, "set/b/more/1.png", "set/a/4.bmp", "set/a/5.gif");
        Assert.NotEqual(hash, ImageFolder.Open(folder["set"]).Sha256);
        Assert.Equal(hash, ImageFolder.OpenAsEarlier(folder["set"])!.Sha256);
    }

    /// <summary>A run of an earlier version, measured where other files lay as well, still finds its images.</summary>
    [Fact]
    public void ARunThatWasMeasuredBeforeStillOpens()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["net.onnx"], NetworkBuilder.SmallClassifier(classes: 8, side: 24).Build().ToByteArray());
        var options = new PipelineOptions
        {
            Model = folder["net.onnx"],
            Images = Harness.Images(folder, "set", 2),
            Limit = 10,
            Preprocessing = Preprocessing.Parse("unit"),
            Bits = [4, 8],
            Run = folder["run"],
        };
        var stop = TestContext.Current.CancellationToken;
        var measured = Pipeline.Measure(options, cancellation: stop);
        Touch(folder, "set/0/other.gif", "set/1/below/1.png");
        var images = Pipeline.Open(folder["run"]).On(null, null, stop).Images;
        Assert.Equal(measured.On(null, null, stop).Images.Items, images.Items);
        File.Delete(images.Items[0].Path);
        Assert.Throws<RunFolderException>(() => Pipeline.Open(folder["run"]).On(null, null, stop));
    }

    /// <summary>Nothing is written where it would be one of the images later.</summary>
    [Theory]
    [InlineData("set/a.webp")]
    [InlineData("set/x/y/a.bmp")]
    [InlineData("set/x/y/a.PNG")]
    public void NothingIsWrittenAmongTheImages(string path)
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<CladoException>(() => Destination.CheckOutsideImages("-o", folder[path], folder["set"]));
        Destination.CheckOutsideImages("-o", folder["other/a.png"], folder["set"]);
        Destination.CheckOutsideImages("-o", folder["set/a.onnx"], folder["set"]);
    }

    private static void Touch(TemporaryFolder folder, params string[] names)
    {
        foreach (var name in names)
        {
            Harness.Png(folder[name], 8, 8, new SKColor((byte)name.Length, 0, 0));
        }
    }
}
