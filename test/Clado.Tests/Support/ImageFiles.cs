using System.Buffers.Binary;
using Clado.Images;
using SkiaSharp;

namespace Clado.Tests.Support;

/// <summary>Writes image files of formats that SkiaSharp only reads, and what cameras add to others.</summary>
internal static class ImageFiles
{
    /// <summary>A picture of 24 bits a pixel, bottom row first, as most programs write it.</summary>
    public static byte[] Bmp(SKBitmap image)
    {
        int stride = ((image.Width * 3) + 3) / 4 * 4, size = 54 + (stride * image.Height);
        var bytes = new byte[size];
        "BM"u8.CopyTo(bytes);
        foreach (var (at, value) in ((int, int)[])
            [(2, size), (10, 54), (14, 40), (18, image.Width), (22, image.Height), (26, 1 | (24 << 16)), (34, stride * image.Height)])
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
        }
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                var color = image.GetPixel(x, image.Height - 1 - y);
                (bytes[54 + (y * stride) + (3 * x)], bytes[55 + (y * stride) + (3 * x)], bytes[56 + (y * stride) + (3 * x)]) =
                    (color.Blue, color.Green, color.Red);
            }
        }
        return bytes;
    }

    /// <summary>An animation of pictures of one size, which have 128 colours at most together.</summary>
    public static byte[] Gif(params SKBitmap[] frames)
    {
        SKColor[] palette = [.. frames.SelectMany(frame => frame.Pixels).Distinct()];
        var (width, height) = ((ushort)frames[0].Width, (ushort)frames[0].Height);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GIF89a"u8);
        writer.Write(width);
        writer.Write(height);
        // A palette of 128 colours.
        writer.Write([0xF6, 0, 0]);
        writer.Write([.. Enumerable.Range(0, 128).SelectMany(i => i < palette.Length
            ? (byte[])[palette[i].Red, palette[i].Green, palette[i].Blue]
            : [0, 0, 0])]);
        foreach (var frame in frames)
        {
            writer.Write([0x21, 0xF9, 4, 0, 10, 0, 0, 0, 0x2C, 0, 0, 0, 0]);
            writer.Write(width);
            writer.Write(height);
            // Codes of 8 bits stay so where the table is cleared (128) before it is half full; 129 is the end.
            var indices = frame.Pixels.Select(color => (byte)Array.IndexOf(palette, color));
            byte[] codes = [.. indices.Chunk(100).SelectMany(part => part.Prepend((byte)128)), 129];
            writer.Write([0, 7]);
            foreach (var block in codes.Chunk(255))
            {
                writer.Write([(byte)block.Length, .. block]);
            }
            writer.Write((byte)0);
        }
        writer.Write((byte)0x3B);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>A picture as SkiaSharp writes it; WebP without loss.</summary>
    public static byte[] Encoded(SKBitmap image, SKEncodedImageFormat format)
    {
        using var data = image.Encode(format, 100);
        return data.ToArray();
    }

    /// <summary>A JPEG with a note on how the camera was held (EXIF, tag 0x112).</summary>
    /// <param name="jpeg">The picture.</param>
    /// <param name="orientation">1 to 8 have a meaning.</param>
    public static byte[] Oriented(byte[] jpeg, ushort orientation)
    {
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0MM\0*"u8, 0, 0, 0, 8,
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, (byte)(orientation >> 8), (byte)orientation, 0, 0, 0, 0, 0, 0,
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>Blocks of 16×16 pixels in colours that differ widely, so that no two turns of the picture look alike.</summary>
    public static SKBitmap Blocks(int columns = 2, int rows = 3)
    {
        var image = new SKBitmap(16 * columns, 16 * rows, SKColorType.Rgba8888, SKAlphaType.Opaque);
        image.Pixels = [.. Enumerable.Range(0, image.Width * image.Height).Select(p =>
            SKColor.FromHsv(((p / image.Width / 16 * columns) + (p % image.Width / 16)) * 360f / (columns * rows), 80, 90))];
        return image;
    }

    /// <summary>A picture in every format that is read.</summary>
    public static Dictionary<string, byte[]> All(SKBitmap picture) => new()
    {
        ["png"] = Encoded(picture, SKEncodedImageFormat.Png),
        ["jpeg"] = Encoded(picture, SKEncodedImageFormat.Jpeg),
        ["bmp"] = Bmp(picture),
        ["gif"] = Gif(picture),
        ["webp"] = Encoded(picture, SKEncodedImageFormat.Webp),
    };

    /// <summary>The values that a network gets of a file, pixels as they are where nothing else is said.</summary>
    public static float[] Read(byte[] bytes, ImageShape shape, Preprocessing? preprocessing = null)
    {
        using var folder = new TemporaryFolder();
        // The name says nothing: what is in the file decides.
        File.WriteAllBytes(folder["image.png"], bytes);
        var values = new float[shape.ElementCount];
        ImageReader.Read(folder["image.png"], shape, preprocessing ?? Preprocessing.Parse("raw255"), values);
        return values;
    }
}
