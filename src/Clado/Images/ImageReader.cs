using Clado.Graphs;
using SkiaSharp;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>The tensor a network takes for one image.</summary>
/// <param name="Channels">Channels: 1 or 3.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Layout">Where the channels lie.</param>
internal sealed record ImageShape(int Channels, int Height, int Width, ChannelLayout Layout)
{
    public int ElementCount => Channels * Height * Width;

    /// <summary>The tensor that a network takes, checked against what is to become of pixels.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <exception cref="CladoException">The input is no image, or has another number of channels than the preprocessing.</exception>
    public static ImageShape Of(Graph graph, Preprocessing preprocessing)
    {
        var shape = Of(graph.Tensors[graph.Input].Shape, preprocessing.Layout, graph.File);
        foreach (var (name, count) in ((string, int)[])[("mean", preprocessing.Mean.Count), ("std", preprocessing.Std.Count)])
        {
            if (count != 1 && count != shape.Channels)
            {
                throw new CladoException(
                    $"{Path.GetFileName(graph.File)}: the model takes {shape.Channels} channel{(shape.Channels == 1 ? "" : "s")}, "
                    + $"the preprocessing has {count} values of {name}; "
                    + $"give with {Settings.Preprocessing} a preset such as unit, or a JSON file with one value or one a channel");
            }
        }
        return shape;
    }

    /// <summary>Reads the shape of a network's input.</summary>
    /// <param name="dims">Shape: [4].</param>
    /// <param name="layout">Where the channels lie, or null to tell from the shape.</param>
    /// <param name="model">Path that errors name.</param>
    public static ImageShape Of(IReadOnlyList<long> dims, ChannelLayout? layout, string model)
    {
        if (dims.Count == 4 && dims.All(d => d is > 0 and <= 1 << 16))
        {
            var found = layout ?? (dims[1] is 1 or 3 ? ChannelLayout.Nchw : ChannelLayout.Nhwc);
            var shape = found == ChannelLayout.Nchw
                ? new ImageShape((int)dims[1], (int)dims[2], (int)dims[3], found)
                : new ImageShape((int)dims[3], (int)dims[1], (int)dims[2], found);
            if (shape.Channels is 1 or 3)
            {
                return shape;
            }
        }
        throw new CladoException(
            $"{Path.GetFileName(model)}: the input has shape [{string.Join(", ", dims.Select(d => Invariant($"{d}")))}]; "
            + "images of 1 or 3 channels are understood, [batch, channels, height, width] or [batch, height, width, channels]");
    }
}

/// <summary>Decodes PNG and JPEG files and turns them into network inputs.</summary>
internal static class ImageReader
{
    // 64 megapixels: above any camera these networks see, below what a header could make us allocate.
    private const long MaximumPixels = 1L << 26;

    /// <summary>Decodes, scales, crops and normalises one image.</summary>
    /// <param name="path">Path of the image.</param>
    /// <param name="shape">The tensor wanted.</param>
    /// <param name="preprocessing">How pixels become values.</param>
    /// <param name="destination">Receives the values. Shape: [channels · height · width], laid out as the shape says.</param>
    /// <exception cref="ImageFormatException">The file is no whole PNG or JPEG, or its channels do not fit the network.</exception>
    public static void Read(string path, ImageShape shape, Preprocessing preprocessing, Span<float> destination)
    {
        using var decoded = Decode(path, shape, preprocessing);
        using var sized = Fit(decoded, shape, preprocessing);
        Normalise(sized.GetPixelSpan(), shape, preprocessing, destination);
    }

    private static SKBitmap Decode(string path, ImageShape shape, Preprocessing preprocessing)
    {
        if (InputFile.Problem(path) is { } problem)
        {
            throw new ImageFormatException(path, $"{problem}; put an image there or remove it");
        }
        using var data = SKData.CreateCopy(File.ReadAllBytes(path));
        using var codec = SKCodec.Create(data)
            ?? throw new ImageFormatException(path, "not a PNG or JPEG image; remove it or save it again");
        if (codec.EncodedFormat is not (SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg))
        {
            throw new ImageFormatException(path, $"holds {codec.EncodedFormat} data; PNG and JPEG are read, convert it");
        }
        if ((long)codec.Info.Width * codec.Info.Height > MaximumPixels)
        {
            throw new ImageFormatException(path, Invariant(
                $"is {codec.Info.Width}×{codec.Info.Height} pixels; more than {MaximumPixels:N0} are refused, scale it down"));
        }
        if (shape.Channels == 1 && preprocessing.Channels != ChannelOrder.Gray && codec.Info.ColorType != SKColorType.Gray8)
        {
            throw new ImageFormatException(
                path, "has colour, the model takes 1 channel; convert it, or use a preprocessing file with \"channels\": \"Gray\"");
        }
        var bitmap = new SKBitmap(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
        {
            bitmap.Dispose();
            throw new ImageFormatException(path, $"broken image data ({result}); remove it or save it again");
        }
        return bitmap;
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
            int source = preprocessing.Channels == ChannelOrder.Bgr ? 2 - c : c;
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
