using ScottPlot;
using SkiaSharp;

namespace Clado.Reports;

/// <summary>
/// The font of figures. Skia as we ship it for Linux depends on nothing of the system, and so does not find its fonts by itself.
/// </summary>
internal static class FigureFont
{
    private const string Name = "figure";

    private static readonly string[] Folders =
    [
        "/usr/share/fonts", "/usr/local/share/fonts",
        .. new[] { ".fonts", ".local/share/fonts" }
            .Select(folder => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), folder)),
    ];

    // Plain sans-serif fonts that systems have; any other is better than none.
    private static readonly string[] Preferred = ["DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf"];

    /// <summary>Whether text can be drawn.</summary>
    public static bool IsThere => SystemHasOne || Find() is not null;

    private static bool SystemHasOne => SKTypeface.Default.GlyphCount > 0;

    /// <summary>Sets the font of all plots.</summary>
    /// <exception cref="CladoException">There is none on this system.</exception>
    public static void Use()
    {
        if (SystemHasOne)
        {
            return;
        }
        var file = Find() ?? throw new CladoException(
            $"{Settings.WriteFigures}: no TrueType font in {string.Join(", ", Folders)}; "
                + "install one (Debian: apt-get install fonts-dejavu-core)");
        Fonts.AddFontFile(Name, file);
        Fonts.Default = Name;
    }

    /// <summary>Path of a TrueType font of this system, or null.</summary>
    public static string? Find()
    {
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        return Folders.Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.ttf", everywhere))
            .OrderBy(file => (uint)Array.IndexOf(Preferred, Path.GetFileName(file)))
            .ThenBy(file => file, StringComparer.Ordinal)
            .FirstOrDefault();
    }
}
