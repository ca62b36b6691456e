using System.Buffers;
using SkiaSharp;

namespace Clado.Images;

/// <summary>Turns image files into network inputs.</summary>
internal static class ImageReader
{
    // Red, green, blue and alpha.
    private const int PixelBytes = 4;

    private const int Levels = 256;

    /// <summary>Decodes, scales, crops and normalises one image.</summary>
    /// <param name="path">Path of the image.</param>
    /// <param name="shape">The tensor wanted.</param>
    /// <param name="preprocessing">How pixels become values.</param>
    /// <param name="destination">Receives the values. Shape: [channels · height · width], laid out as the shape says.</param>
    /// <param name="decoded">What was decoded before, and keeps this image; null to decode it in any case.</param>
    /// <exception cref="ImageFormatException">The file is no whole image, or its channels do not fit the network.</exception>
    public static void Read(
        string path, ImageShape shape, Preprocessing preprocessing, Span<float> destination, DecodedImages? decoded = null)
    {
        bool isGray = preprocessing.Channels == ChannelOrder.Gray;
        var key = new DecodedImages.Key(path, shape, preprocessing.Resize, preprocessing.Crop, isGray);
        var pixels = ArrayPool<byte>.Shared.Rent(PixelBytes * shape.Width * shape.Height);
        var rgba = pixels.AsSpan(0, PixelBytes * shape.Width * shape.Height);
        if (decoded?.TryRead(key, rgba) != true)
        {
            using var image = ImageDecoder.Decode(path, shape.Channels, isGray);
            using var sized = Fit(image, shape, preprocessing);
            sized.GetPixelSpan().CopyTo(rgba);
            decoded?.Keep(key, rgba);
        }
        Normalise(rgba, shape, preprocessing, destination);
        ArrayPool<byte>.Shared.Return(pixels);
    }

    /// <summary>Scales and crops to the input's size; an image that has the size already is taken as it is.</summary>
    private static SKBitmap Fit(SKBitmap image, ImageShape shape, Preprocessing preprocessing)
    {
        if (image.Width == shape.Width && image.Height == shape.Height)
        {
            return image.Copy();
        }
        if (!preprocessing.Crop)
        {
            return Scale(image, shape.Width, shape.Height);
        }
        // The smallest scale at which the image covers the input enlarged by 256/224 (or the input's short side at the size given).
        double enlarge = preprocessing.Resize is { } side ? (double)side / Math.Min(shape.Width, shape.Height) : 256.0 / 224;
        double scale = Math.Max(Math.Round(shape.Width * enlarge) / image.Width, Math.Round(shape.Height * enlarge) / image.Height);
        int width = Math.Max(shape.Width, (int)Math.Round(image.Width * scale));
        int height = Math.Max(shape.Height, (int)Math.Round(image.Height * scale));
        using var scaled = Scale(image, width, height);
        var cropped = new SKBitmap(image.Info.WithSize(shape.Width, shape.Height));
        scaled.ExtractSubset(cropped, SKRectI.Create((width - shape.Width) / 2, (height - shape.Height) / 2, shape.Width, shape.Height));
        var copy = cropped.Copy();
        cropped.Dispose();
        return copy;
    }

    private static SKBitmap Scale(SKBitmap image, int width, int height) =>
        image.Resize(
            new SKImageInfo(width, height, image.ColorType, image.AlphaType),
            new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));

    private static void Normalise(ReadOnlySpan<byte> rgba, ImageShape shape, Preprocessing preprocessing, Span<float> destination)
    {
        int pixels = shape.Width * shape.Height;
        Span<float> levels = stackalloc float[Levels];
        for (int c = 0; c < shape.Channels; c++)
        {
            float mean = preprocessing.Mean[Math.Min(c, preprocessing.Mean.Count - 1)];
            float std = preprocessing.Std[Math.Min(c, preprocessing.Std.Count - 1)];
            float Value(float level) => ((level * preprocessing.Scale) - mean) / std;
            var (start, step) = shape.Layout == ChannelLayout.Nchw ? (c * pixels, 1) : (c, shape.Channels);
            if (preprocessing.Channels == ChannelOrder.Gray)
            {
                for (int p = 0; p < pixels; p++)
                {
                    destination[start + (p * step)] = Value(
                        (0.299f * rgba[PixelBytes * p]) + (0.587f * rgba[(PixelBytes * p) + 1]) + (0.114f * rgba[(PixelBytes * p) + 2]));
                }
                continue;
            }
            for (int level = 0; level < Levels; level++)
            {
                levels[level] = Value(level);
            }
            // Alpha comes last in either order.
            int source = preprocessing.Channels == ChannelOrder.Bgr && c < 3 ? 2 - c : c;
            for (int p = 0, from = source, to = start; p < pixels; p++, from += PixelBytes, to += step)
            {
                destination[to] = levels[rgba[from]];
            }
        }
    }
}
