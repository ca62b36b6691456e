using Clado.Reports;
using SkiaSharp;

namespace Clado.Benchmarks;

/// <summary>Pages and lines of made-up words, for networks that look for text or read it: photographs have none.</summary>
internal static class TextPages
{
    private const int Side = 640;
    private const int LineWidth = 320;
    private const int LineHeight = 48;

    /// <summary>Writes pages as PNG files.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="count">Pages.</param>
    /// <param name="seed">The same seed gives the same pages, as far as fonts are the same.</param>
    public static void Write(string folder, int count, int seed)
    {
        Directory.CreateDirectory(folder);
        using var typeface = FigureFont.Find() is { } file ? SKTypeface.FromFile(file) : SKTypeface.Default;
        var random = new Random(seed);
        for (int page = 0; page < count; page++)
        {
            using var bitmap = new SKBitmap(Side, Side);
            using var canvas = new SKCanvas(bitmap);
            canvas.Clear(new SKColor((byte)random.Next(190, 256), (byte)random.Next(190, 256), (byte)random.Next(190, 256)));
            for (float y = random.Next(40, 110); y < Side;)
            {
                float size = random.Next(26, 72);
                using var font = new SKFont(typeface, size);
                var ink = new SKColor((byte)random.Next(90), (byte)random.Next(90), (byte)random.Next(90));
                using var paint = new SKPaint { IsAntialias = true, Color = ink };
                canvas.DrawText(Line(random), random.Next(0, 160), y, SKTextAlign.Left, font, paint);
                y += size * (1.2f + (2 * random.NextSingle()));
            }
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Path.Combine(folder, $"{page:0000}.png"), data.ToArray());
        }
    }

    /// <summary>Writes lines, one an image, as PNG files.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="count">Lines.</param>
    /// <param name="seed">The same seed gives the same lines, as far as fonts are the same.</param>
    /// <param name="turned">Whether every second stands on its head.</param>
    public static void WriteLines(string folder, int count, int seed, bool turned)
    {
        Directory.CreateDirectory(folder);
        using var typeface = FigureFont.Find() is { } file ? SKTypeface.FromFile(file) : SKTypeface.Default;
        var random = new Random(seed);
        for (int line = 0; line < count; line++)
        {
            using var bitmap = new SKBitmap(LineWidth, LineHeight);
            using var canvas = new SKCanvas(bitmap);
            canvas.Clear(new SKColor((byte)random.Next(170, 256), (byte)random.Next(170, 256), (byte)random.Next(170, 256)));
            if (turned && line % 2 == 1)
            {
                canvas.RotateDegrees(180, LineWidth / 2f, LineHeight / 2f);
            }
            using var font = new SKFont(typeface, random.Next(24, 36));
            using var paint = new SKPaint { IsAntialias = true, Color = new SKColor((byte)random.Next(90), (byte)random.Next(90), 0) };
            canvas.DrawText($"{Line(random)} {Line(random)}", random.Next(2, 12), 36, SKTextAlign.Left, font, paint);
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Path.Combine(folder, $"{line:0000}.png"), data.ToArray());
        }
    }

    private static string Line(Random random) => string.Join(' ', Enumerable.Range(0, random.Next(1, 5))
        .Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26)))])));
}
