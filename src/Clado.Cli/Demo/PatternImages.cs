using SkiaSharp;

namespace Clado.Cli.Demo;

/// <summary>The demo's own images: noisy coloured stripes; the class is their direction.</summary>
internal static class PatternImages
{
    /// <summary>Side of an image in pixels.</summary>
    public const int Side = 24;

    /// <summary>Number of classes: directions from 0° in steps of 22.5°.</summary>
    public const int ClassCount = 8;

    private const int Noise = 45;

    /// <summary>Writes class folders of PNG files; the same seed writes the same files.</summary>
    /// <param name="folder">Destination.</param>
    /// <param name="perClass">Images a class.</param>
    /// <param name="seed">Seed of phases, widths, colours and noise.</param>
    public static void Write(string folder, int perClass, int seed)
    {
        var random = new Random(seed);
        for (int label = 0; label < ClassCount; label++)
        {
            var classFolder = Path.Combine(folder, $"{label * 180.0 / ClassCount:000.0}-degrees");
            Directory.CreateDirectory(classFolder);
            for (int i = 0; i < perClass; i++)
            {
                using var image = Draw(label, random);
                using var png = image.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(classFolder, $"{i:000}.png"), png.ToArray());
            }
        }
    }

    private static SKBitmap Draw(int label, Random random)
    {
        double angle = Math.PI * (label + ((random.NextDouble() - 0.5) * 0.6)) / ClassCount;
        double frequency = 2 * Math.PI * (0.10 + (0.15 * random.NextDouble())), phase = 2 * Math.PI * random.NextDouble();
        double[] bright = [.. Enumerable.Range(0, 3).Select(_ => 120 + (135 * random.NextDouble()))];
        double[] dark = [.. Enumerable.Range(0, 3).Select(_ => 120 * random.NextDouble())];
        var image = new SKBitmap(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                double wave = 0.5 + (0.5 * Math.Sin((frequency * ((x * Math.Cos(angle)) + (y * Math.Sin(angle)))) + phase));
                byte[] c = [.. Enumerable.Range(0, 3).Select(k =>
                    (byte)Math.Clamp(dark[k] + (wave * (bright[k] - dark[k])) + (Noise * (random.NextDouble() - 0.5) * 2), 0, 255))];
                image.SetPixel(x, y, new SKColor(c[0], c[1], c[2]));
            }
        }
        return image;
    }
}
