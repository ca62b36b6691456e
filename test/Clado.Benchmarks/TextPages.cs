using Clado.Reports;
using SkiaSharp;

namespace Clado.Benchmarks;

/// <summary>Pages of made-up words, for networks that look for text: on photographs their output is all but constant.</summary>
internal static class TextPages
{
    private const int Side = 640;

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

    private static string Line(Random random) => string.Join(' ', Enumerable.Range(0, random.Next(1, 5))
        .Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26)))])));
}
