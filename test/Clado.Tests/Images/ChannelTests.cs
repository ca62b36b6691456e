using Clado.Images;
using Clado.Tests.Support;
using Google.Protobuf;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Images;

/// <summary>Networks of one, three and four channels, first or last, and what images must have for them.</summary>
public class ChannelTests
{
    private static readonly ImageShape Shape = new(3, 48, 32, ChannelLayout.Nchw);

    /// <summary>A palette is a palette of greys where all its pixels are grey; so are greys that were saved as colours.</summary>
    [Fact]
    public void GreysAreGreyHoweverTheyAreSaved()
    {
        using var gray = new SKBitmap(32, 48, SKColorType.Rgba8888, SKAlphaType.Opaque);
        gray.Pixels = [.. Enumerable.Range(0, 32 * 48).Select(p => (byte)(p % 100)).Select(v => new SKColor(v, v, v))];
        var one = Shape with { Channels = 1 };
        float[] expected = [.. gray.Pixels.Select(p => (float)p.Red)];
        foreach (var (name, bytes) in ImageFiles.All(gray).Where(file => file.Key != "jpeg"))
        {
            Assert.True(expected.SequenceEqual(ImageFiles.Read(bytes, one)), name);
        }
        gray.SetPixel(31, 47, new SKColor(7, 7, 8));
        foreach (var bytes in ImageFiles.All(gray).Where(file => file.Key != "jpeg").Select(file => file.Value))
        {
            var error = Assert.Throws<ImageFormatException>(() => ImageFiles.Read(bytes, one));
            Assert.Contains("has colour", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Alpha is the fourth channel, where the network takes four and the image has it; either order of colours.</summary>
    [Fact]
    public void AlphaIsTheFourthChannel()
    {
        using var picture = new SKBitmap(32, 48, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        picture.Pixels = [.. Enumerable.Repeat(new SKColor(10, 20, 30, 40), 32 * 48)];
        var png = ImageFiles.Encoded(picture, SKEncodedImageFormat.Png);
        var four = Shape with { Channels = 4, Layout = ChannelLayout.Nhwc };
        Assert.Equal([10, 20, 30, 40], ImageFiles.Read(png, four)[..4]);
        Assert.Equal([30, 20, 10, 40], ImageFiles.Read(png, four, Preprocessing.Parse("raw255") with { Channels = ChannelOrder.Bgr })[..4]);
        Assert.Equal([10, 20, 30], ImageFiles.Read(png, Shape with { Layout = ChannelLayout.Nhwc })[..3]);
        // Scaled as the colours are: each on its own.
        Assert.Equal([10, 20, 30, 40], ImageFiles.Read(png, four with { Height = 20, Width = 20 })[^4..]);
        using var opaque = ImageFiles.Blocks();
        var error = Assert.Throws<ImageFormatException>(() => ImageFiles.Read(ImageFiles.Encoded(opaque, SKEncodedImageFormat.Jpeg), four));
        Assert.Contains("has no alpha", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANetworkOfFourChannelsIsQuantizedOnImagesWithAlpha()
    {
        using var folder = new TemporaryFolder();
        var net = new NetworkBuilder(input: [4, 12, 12]);
        net.Weight("w", 8, 4, 3, 3);
        net.Then("Conv", "c", ["w"]).Then("Relu", "r").Then("GlobalAveragePool", "p").Then("Flatten", "y");
        File.WriteAllBytes(folder["net.onnx"], net.Build().ToByteArray());
        Directory.CreateDirectory(folder["set"]);
        for (int i = 0; i < 4; i++)
        {
            using var picture = new SKBitmap(16, 16, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            picture.Pixels = [.. Enumerable.Range(0, 256).Select(p => new SKColor((byte)p, (byte)(40 * i), 30, (byte)(p / 2)))];
            File.WriteAllBytes(folder[$"set/{i}.png"], ImageFiles.Encoded(picture, SKEncodedImageFormat.Png));
        }
        string[] quantize = ["quantize", folder["net.onnx"], "--images", folder["set"], "--budget", "8bit", "-o", folder["out.onnx"]];
        var (code, _, error) = Harness.Command([.. quantize, "--preprocess", "unit", "--run", folder["run"]]);
        Assert.True(code == 0, error);
        // Three values of mean are not for four channels.
        (code, _, error) = Harness.Command([.. quantize, "--run", folder["run2"]]);
        Assert.Equal(2, code);
        Assert.Contains("takes 4 channels", error);
    }

    [Theory]
    [InlineData(new long[] { 1, 4, 32, 32 }, 4, ChannelLayout.Nchw)]
    [InlineData(new long[] { 1, 32, 32, 4 }, 4, ChannelLayout.Nhwc)]
    [InlineData(new long[] { 1, 4, 4, 3 }, 3, ChannelLayout.Nhwc)]
    [InlineData(new long[] { 1, 4, 32, 1 }, 1, ChannelLayout.Nhwc)]
    [InlineData(new long[] { 1, 3, 32, 4 }, 3, ChannelLayout.Nchw)]
    [InlineData(new long[] { 1, 32, 32, 3 }, 3, ChannelLayout.Nhwc)]
    public void TheLayoutIsFound(long[] dims, int channels, object layout)
    {
        var shape = ImageShape.Of(dims, null, "m.onnx");
        Assert.Equal((channels, (ChannelLayout)layout), (shape.Channels, shape.Layout));
    }
}
