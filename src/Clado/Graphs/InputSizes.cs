using System.Globalization;
using System.Text.RegularExpressions;
using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>Sizes that the images of a network may have where its file leaves them free, the likeliest first.</summary>
internal static partial class InputSizes
{
    // The usual size of an image, and a multiple of 32, which detectors ask for. What earlier versions took.
    private const int UsualSide = 224;

    // Sides that public networks are trained at.
    private static readonly int[] Sides =
    [
        UsualSide, 32, 28, 64, 96, 112, 128, 144, 160, 176, 192, 208, 240, 256, 260, 288, 299, 300, 320, 331, 336, 352, 380, 384, 416, 448,
        456, 480, 512, 518, 528, 600, 608, 640, 768, 800, 896, 1024, 1280, 48, 40, 16, 8,
    ];

    // Those of people, faces, poses, texts and video.
    private static readonly (int Height, int Width)[] Oblong =
    [
        (256, 128), (128, 64), (384, 128), (256, 192), (384, 288), (240, 320), (320, 240), (480, 640), (640, 480), (32, 100), (32, 128),
        (48, 192), (48, 320), (32, 320), (192, 256), (288, 384), (360, 640), (384, 640), (512, 1024), (720, 1280), (800, 1333), (64, 128),
        (96, 112), (112, 96), (94, 24), (24, 94), (60, 36), (36, 60),
    ];

    // What exporters call it.
    private static readonly string[] Keys =
        ["imgsz", "img_size", "image_size", "input_size", "input_shape", "input_resolution", "imagesize", "inputsize", "resolution"];

    /// <summary>The size that versions took which looked for none.</summary>
    public static LikelySize Usual { get; } = new(UsualSide, UsualSide, "the usual size");

    /// <summary>Sizes that something speaks for.</summary>
    /// <param name="model">The model; its metadata may say.</param>
    /// <param name="options">What is said of its input.</param>
    /// <param name="file">Its path; a file beside it may say.</param>
    public static IEnumerable<LikelySize> Said(ModelProto model, InputOptions options, string file)
    {
        if (options.Likely is { } likely)
        {
            yield return likely;
        }
        foreach (var entry in model.MetadataProps.Where(entry => Keys.Contains(entry.Key.ToLowerInvariant())))
        {
            if (Size(entry.Value) is { } size)
            {
                yield return new(size.Height, size.Width, $"as the model's metadata '{entry.Key}' says");
            }
        }
        if (PreprocessorFile.Find(file) is { } beside)
        {
            yield return beside;
        }
    }

    /// <summary>Sizes to try, the usual one first.</summary>
    public static IEnumerable<(int Height, int Width)> Guesses() => [.. Sides.Select(side => (side, side)), .. Oblong];

    /// <summary>The size in a text such as [640, 640], 640 or [1, 3, 480, 640]; null where there is none.</summary>
    private static (int Height, int Width)? Size(string text)
    {
        int[] numbers = [.. Number().Matches(text).Select(match => Side(match.ValueSpan))];
        // Of three or four the channels, which are few, stand before or behind the sides.
        int[] sides = numbers.Length >= 3 && numbers[^1] <= 4 ? numbers[^3..^1] : numbers.Length >= 3 ? numbers[^2..] : numbers;
        return sides.Length is 1 or 2 && sides.All(side => InputText.IsSide(side)) ? (sides[0], sides[^1]) : null;
    }

    private static int Side(ReadOnlySpan<char> digits) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int side) ? side : 0;

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();
}
