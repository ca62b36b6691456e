using System.Runtime.InteropServices;
using SkiaSharp;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>Decodes image files into pixels as they are to be looked at; of an animation that is its first frame.</summary>
internal static class ImageDecoder
{
    // 64 megapixels: above any camera these networks see, below what a header could make us allocate.
    private const long MaximumPixels = 1L << 26;

    private static readonly SKEncodedImageFormat[] Formats =
    [
        SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Bmp, SKEncodedImageFormat.Gif, SKEncodedImageFormat.Webp,
    ];

    /// <summary>Decodes one image and turns it upright.</summary>
    /// <param name="path">Path of the image.</param>
    /// <param name="channels">Channels the network takes: 1, 3 or 4.</param>
    /// <param name="makesGray">Whether colours will become grey.</param>
    /// <returns>Red, green, blue and alpha, a byte each; the caller disposes it.</returns>
    /// <exception cref="ImageFormatException">The file is no whole image, or its channels do not fit the network.</exception>
    public static SKBitmap Decode(string path, int channels, bool makesGray)
    {
        if (InputFile.Problem(path) is { } problem)
        {
            throw new ImageFormatException(path, $"{problem}; put an image there or remove it");
        }
        using var data = SKData.CreateCopy(File.ReadAllBytes(path));
        using var codec = SKCodec.Create(data)
            ?? throw new ImageFormatException(path, "not a whole PNG, JPEG, BMP, GIF or WebP image; remove it or save it again");
        Check(path, codec, channels);
        var bitmap = new SKBitmap(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        try
        {
            var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
            if (result != SKCodecResult.Success)
            {
                throw new ImageFormatException(path, $"broken image data ({result}); remove it or save it again");
            }
            if (channels == 1 && !makesGray && codec.Info.ColorType != SKColorType.Gray8 && !IsGray(bitmap.GetPixelSpan()))
            {
                throw new ImageFormatException(
                    path, "has colour, the model takes 1 channel; convert it, or use a preprocessing file with \"channels\": \"Gray\"");
            }
            return Upright(bitmap, codec.EncodedOrigin);
        }
        catch
        {
            bitmap.Dispose();
            throw;
        }
    }

    private static void Check(string path, SKCodec codec, int channels)
    {
        var info = codec.Info;
        if (!Formats.Contains(codec.EncodedFormat))
        {
            throw new ImageFormatException(path, $"holds {codec.EncodedFormat} data; PNG, JPEG, BMP, GIF and WebP are read, convert it");
        }
        if (info.Width < 1 || info.Height < 1 || (long)info.Width * info.Height > MaximumPixels)
        {
            throw new ImageFormatException(path, Invariant(
                $"is {info.Width}×{info.Height} pixels; none, or more than {MaximumPixels:N0}, are refused, scale it"));
        }
        if (channels == 4 && info.AlphaType == SKAlphaType.Opaque)
        {
            throw new ImageFormatException(path, "has no alpha, the model takes 4 channels; save it with alpha, or leave it out");
        }
    }

    /// <summary>Whether red, green and blue are the same everywhere: a palette of greys, or greys saved as colours.</summary>
    private static bool IsGray(ReadOnlySpan<byte> rgba)
    {
        for (int p = 0; p < rgba.Length; p += 4)
        {
            if (rgba[p] != rgba[p + 1] || rgba[p] != rgba[p + 2])
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The pixels as the camera was held: what the file says of that (EXIF, "Orientation") is followed.</summary>
    private static SKBitmap Upright(SKBitmap image, SKEncodedOrigin origin)
    {
        // Rows and columns change places first, then either may run backwards.
        var (isTurned, mirrorsX, mirrorsY) = origin switch
        {
            SKEncodedOrigin.TopRight => (false, true, false),
            SKEncodedOrigin.BottomRight => (false, true, true),
            SKEncodedOrigin.BottomLeft => (false, false, true),
            SKEncodedOrigin.LeftTop => (true, false, false),
            SKEncodedOrigin.RightTop => (true, true, false),
            SKEncodedOrigin.RightBottom => (true, true, true),
            SKEncodedOrigin.LeftBottom => (true, false, true),
            _ => (false, false, false),
        };
        if (!isTurned && !mirrorsX && !mirrorsY)
        {
            return image;
        }
        var (width, height) = isTurned ? (image.Height, image.Width) : (image.Width, image.Height);
        var upright = new SKBitmap(image.Info.WithSize(width, height));
        var source = MemoryMarshal.Cast<byte, uint>(image.GetPixelSpan());
        var target = MemoryMarshal.Cast<byte, uint>(upright.GetPixelSpan());
        for (int y = 0; y < height; y++)
        {
            int v = mirrorsY ? height - 1 - y : y;
            for (int x = 0; x < width; x++)
            {
                int u = mirrorsX ? width - 1 - x : x;
                target[(y * width) + x] = isTurned ? source[(u * image.Width) + v] : source[(v * image.Width) + u];
            }
        }
        image.Dispose();
        return upright;
    }
}
