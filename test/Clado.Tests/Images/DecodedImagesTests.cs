using Clado.Images;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Images;

/// <summary>Images that were decoded before are those that decoding gives.</summary>
public class DecodedImagesTests
{
    private const int Side = 8;

    public static TheoryData<ChannelOrder, ChannelLayout, int> Inputs => new()
    {
        { ChannelOrder.Rgb, ChannelLayout.Nchw, 3 },
        { ChannelOrder.Bgr, ChannelLayout.Nhwc, 3 },
        { ChannelOrder.Gray, ChannelLayout.Nchw, 1 },
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    internal void AreThoseThatDecodingGives(ChannelOrder order, ChannelLayout layout, int channels)
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "images", 5));
        var shape = new ImageShape(channels, Side, Side - 1, layout);
        var preprocessing = new Preprocessing { Mean = [0.4f], Std = [0.3f], Channels = order };
        var decoded = new DecodedImages();
        foreach (var item in images.Items.Concat(images.Items))
        {
            Assert.Equal(Read(item, null), Read(item, decoded));
        }

        // The second time no file is needed.
        var (first, before) = (images.Items[0], Read(images.Items[0], decoded));
        File.Delete(first.Path);
        Assert.Equal(before, Read(first, decoded));
        Assert.Throws<ImageFormatException>(() => Read(first, new DecodedImages()));

        float[] Read(ImageItem item, DecodedImages? kept)
        {
            var values = new float[shape.ElementCount];
            ImageReader.Read(item.Path, shape, preprocessing, values, kept);
            return values;
        }
    }

    /// <summary>What another network takes of the same file is another image.</summary>
    [Fact]
    public void AreToldApartByWhatTheyAreFor()
    {
        var decoded = new DecodedImages();
        var key = new DecodedImages.Key("a.png", new ImageShape(3, 1, 2, ChannelLayout.Nchw), null, Crops: true, MakesGray: false);
        var pixels = new byte[8];
        decoded.Keep(key, [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.True(decoded.TryRead(key, pixels));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], pixels);
        Assert.False(decoded.TryRead(key with { Resize = 4 }, pixels));
        Assert.False(decoded.TryRead(key with { Crops = false }, pixels));
        Assert.False(decoded.TryRead(key with { MakesGray = true }, pixels));
        Assert.False(decoded.TryRead(key with { Path = "b.png" }, pixels));
        Assert.False(decoded.TryRead(key with { Shape = key.Shape with { Height = 2, Width = 1 } }, pixels));
    }

    /// <summary>What does not fit is decoded every time, and what was kept before stays.</summary>
    [Fact]
    public void KeepNoMoreThanFits()
    {
        var decoded = new DecodedImages(largestBytes: 10);
        DecodedImages.Key Key(string path) => new(path, new ImageShape(3, 1, 1, ChannelLayout.Nchw), null, Crops: true, MakesGray: false);
        byte[] pixels = new byte[4];
        decoded.Keep(Key("a"), [1, 2, 3, 4]);
        decoded.Keep(Key("b"), [5, 6, 7, 8]);
        decoded.Keep(Key("c"), [9, 10, 11, 12]);
        Assert.True(decoded.TryRead(Key("a"), pixels));
        Assert.True(decoded.TryRead(Key("b"), pixels));
        Assert.Equal([5, 6, 7, 8], pixels);
        Assert.False(decoded.TryRead(Key("c"), pixels));
    }
}
