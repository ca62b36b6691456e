using System.Buffers.Binary;
using Clado.Images;
using Clado.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Images;

/// <summary>Files of every format that is read, whole and broken.</summary>
public class ImageFormatTests
{
    private static readonly ImageShape Shape = new(3, 48, 32, ChannelLayout.Nchw);

    [Fact]
    public void OnePictureIsTheSameInEveryFormatWithoutLoss()
    {
        using var picture = ImageFiles.Blocks();
        Func<SKColor, byte>[] channels = [p => p.Red, p => p.Green, p => p.Blue];
        float[] expected = [.. channels.SelectMany(channel => picture.Pixels.Select(p => (float)channel(p)))];
        foreach (var (name, bytes) in ImageFiles.All(picture).Where(file => file.Key != "jpeg"))
        {
            Assert.True(expected.SequenceEqual(ImageFiles.Read(bytes, Shape)), name);
        }
        // JPEG loses a little, and more where colours meet.
        var jpeg = ImageFiles.Read(ImageFiles.All(picture)["jpeg"], Shape);
        int[] centres = [.. Enumerable.Range(0, expected.Length).Where(i => i % 32 % 16 == 8 && i / 32 % 16 == 8)];
        Assert.All(centres, i => Assert.Equal(expected[i], jpeg[i], 4f));
    }

    [Fact]
    public void OfAnAnimationTheFirstFrameIsTaken()
    {
        using var first = ImageFiles.Blocks();
        using var second = new SKBitmap(first.Width, first.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        second.Erase(SKColors.White);
        Assert.Equal(ImageFiles.Read(ImageFiles.Gif(first), Shape), ImageFiles.Read(ImageFiles.Gif(first, second, second), Shape));
        Assert.All(ImageFiles.Read(ImageFiles.Gif(second, first), Shape), value => Assert.Equal(255, value));
    }

    /// <summary>
    /// The first row and the first column of what is stored lie on these sides of what is seen (EXIF 2.3, table 6). What is none of the
    /// eight says nothing.
    /// </summary>
    [Theory]
    [InlineData(0, "top", "left")]
    [InlineData(1, "top", "left")]
    [InlineData(2, "top", "right")]
    [InlineData(3, "bottom", "right")]
    [InlineData(4, "bottom", "left")]
    [InlineData(5, "left", "top")]
    [InlineData(6, "right", "top")]
    [InlineData(7, "right", "bottom")]
    [InlineData(8, "left", "bottom")]
    [InlineData(9, "top", "left")]
    [InlineData(60_000, "top", "left")]
    public void PicturesAreTurnedAsTheCameraWasHeld(int orientation, string row, string column)
    {
        using var picture = ImageFiles.Blocks();
        var jpeg = ImageFiles.Encoded(picture, SKEncodedImageFormat.Jpeg);
        float[] stored = ImageFiles.Read(jpeg, Shape);
        bool turned = row is "left" or "right";
        var (height, width) = turned ? (Shape.Width, Shape.Height) : (Shape.Height, Shape.Width);
        var seen = ImageFiles.Read(ImageFiles.Oriented(jpeg, (ushort)orientation), Shape with { Height = height, Width = width });
        for (int r = 0; r < Shape.Height; r++)
        {
            for (int c = 0; c < Shape.Width; c++)
            {
                int Along(string side, int at, int length) => side is "top" or "left" ? at : length - 1 - at;
                var (down, right) = (Along(row, r, Shape.Height), Along(column, c, Shape.Width));
                var (y, x) = turned ? (right, down) : (down, right);
                Assert.Equal(stored[(r * Shape.Width) + c], seen[(y * width) + x]);
            }
        }
    }

    /// <summary>A file that ends early is refused, or what is missing was of no consequence.</summary>
    [Fact]
    public void FilesThatEndEarlyAreErrorsOrWhole()
    {
        using var picture = ImageFiles.Blocks();
        foreach (var (name, bytes) in ImageFiles.All(picture).Append(new("gif2", ImageFiles.Gif(picture, picture))))
        {
            float[] whole = ImageFiles.Read(bytes, Shape);
            int[] lengths = [.. Enumerable.Range(0, 60).Select(i => i * bytes.Length / 60)];
            int refused = 0;
            foreach (int length in lengths)
            {
                try
                {
                    Assert.True(whole.SequenceEqual(ImageFiles.Read(bytes[..length], Shape)), $"{name} of {length} bytes");
                }
                catch (ImageFormatException)
                {
                    refused++;
                }
            }
            Assert.InRange(refused, lengths.Length / 2, lengths.Length);
        }
    }

    /// <summary>Whatever stands in a file: an image or an error that names it, and nothing else is thrown.</summary>
    [Fact]
    public void DamagedFilesAreErrorsOrImages()
    {
        using var picture = ImageFiles.Blocks();
        var random = new Random(5);
        int refused = 0, read = 0;
        foreach (var (name, whole) in ImageFiles.All(picture).Append(new("exif", ImageFiles.Oriented(ImageFiles.All(picture)["jpeg"], 6))))
        {
            for (int i = 0; i < 60; i++)
            {
                byte[] bytes = [.. whole];
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    bytes[random.Next(Math.Min(bytes.Length, i % 2 == 0 ? 60 : int.MaxValue))] = (byte)random.Next(256);
                }
                try
                {
                    _ = ImageFiles.Read(bytes, Shape);
                    read++;
                }
                catch (ImageFormatException e)
                {
                    Assert.StartsWith(e.File, e.Message, StringComparison.Ordinal);
                    refused++;
                }
            }
        }
        Assert.InRange(refused, 30, 300);
        Assert.InRange(read, 30, 300);
    }

    [Fact]
    public void HeadersThatPromiseTooMuchAreRefused()
    {
        using var picture = ImageFiles.Blocks();
        var bmp = ImageFiles.Bmp(picture);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), 60_000);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), 60_000);
        var gif = ImageFiles.Gif(picture);
        gif.AsSpan(6, 4).Fill(0xFF);
        var webp = ImageFiles.Encoded(picture, SKEncodedImageFormat.Webp);
        // Width and height of a lossless image, 14 bits each behind the signature.
        int at = webp.AsSpan().IndexOf("VP8L"u8) + 9;
        webp.AsSpan(at, 3).Fill(0xFF);
        webp[at + 3] |= 0x0F;
        foreach (var bytes in (byte[][])[bmp, gif, webp])
        {
            _ = Assert.Throws<ImageFormatException>(() => ImageFiles.Read(bytes, Shape));
        }
    }
}
