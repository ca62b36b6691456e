using System.Globalization;
using static System.FormattableString;

namespace Clado.Graphs;

/// <summary>Sizes and shapes of inputs as people write them.</summary>
internal static class InputText
{
    /// <summary>A longer side is no image's: the network must not be given what a broken file asks for.</summary>
    public const int LargestSide = 1 << 14;

    private static readonly char[] Between = ['x', 'X', '×'];

    /// <summary>Whether an image may have this side.</summary>
    public static bool IsSide(long side) => side is >= 1 and <= LargestSide;

    /// <summary>Reads a size.</summary>
    /// <param name="text">Height and width such as 480x640, or one number for both.</param>
    /// <exception cref="CladoException">It is none.</exception>
    public static (int Height, int Width) Size(string text)
    {
        int?[] sides = [.. text.Split(Between).Select(Number)];
        return sides.Length is 1 or 2 && sides.All(side => side is { } known && IsSide(known))
            ? (sides[0]!.Value, sides[^1]!.Value)
            : throw new CladoException(
                Invariant($"{Settings.InputSize} {text}: height and width such as 480x640, or one number for both, are wanted, ")
                + Invariant($"of 1 to {LargestSide} pixels"));
    }

    /// <summary>Reads a shape.</summary>
    /// <param name="text">Dimensions with commas between; a name, ? or -1 is a free one.</param>
    /// <returns>Shape: [rank].</returns>
    /// <exception cref="CladoException">It is none.</exception>
    public static long?[] Shape(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        long?[] dims = [.. parts.Select(part => (long?)Number(part))];
        return parts.Zip(dims).All(part => part.Second is > 0 || (part.Second is null && IsFree(part.First)))
            ? dims
            : throw new CladoException(
                $"{Settings.InputShape} {text}: dimensions such as N,3,480,640 are wanted, names for those that are free");
    }

    /// <summary>A size as <see cref="Size"/> reads it.</summary>
    public static string Of((int Height, int Width) size) => Invariant($"{size.Height}x{size.Width}");

    /// <summary>A shape as <see cref="Shape"/> reads it.</summary>
    /// <param name="dims">Dimensions, null where they are free. Shape: [rank].</param>
    public static string Of(IReadOnlyList<long?> dims) =>
        string.Join(',', dims.Select((dim, axis) => dim is { } known ? Invariant($"{known}") : axis == 0 ? "N" : "?"));

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static bool IsFree(string text) => text is "-1" or "?" || (text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '_'));
}
