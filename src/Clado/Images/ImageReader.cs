using SkiaSharp;

namespace Clado.Images;

/// <summary>Turns image files into network inputs.</summary>
internal static class ImageReader
{
    /// <summary>Decodes, scales, crops and normalises one image.</summary>
    /// <param name="path">Path of the image.</param>
    /// <param name="shape">The tensor wanted.</param>
    /// <param name="preprocessing">How pixels become values.</param>
    /// <param name="destination">Receives the values. Shape: [channels · height · width], laid out as the shape says.</param>
    /// <exception cref="ImageFormatException">The file is no whole image, or its channels do not fit the network.</exception>
    public static void Read(string path, ImageShape shape, Preprocessing preprocessing, Span<float> destination)
    {
        using var decoded = ImageDecoder.Decode(path, shape.Channels, preprocessing.Channels == ChannelOrder.Gray);
        using var sized = Fit(decoded, shape, preprocessing);
        Normalise(sized.GetPixelSpan(), shape, preprocessing, destination);
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
        for (int c = 0; c < shape.Channels; c++)
        {
            float mean = preprocessing.Mean[Math.Min(c, preprocessing.Mean.Count - 1)];
            float std = preprocessing.Std[Math.Min(c, preprocessing.Std.Count - 1)];
            // Alpha comes last in either order.
            int source = preprocessing.Channels == ChannelOrder.Bgr && c < 3 ? 2 - c : c;
            var (start, step) = shape.Layout == ChannelLayout.Nchw ? (c * pixels, 1) : (c, shape.Channels);
            for (int p = 0; p < pixels; p++)
            {
                float value = preprocessing.Channels == ChannelOrder.Gray
                    ? (0.299f * rgba[4 * p]) + (0.587f * rgba[(4 * p) + 1]) + (0.114f * rgba[(4 * p) + 2])
                    : rgba[(4 * p) + source];
                destination[start + (p * step)] = ((value * preprocessing.Scale) - mean) / std;
            }
        }
    }
}
