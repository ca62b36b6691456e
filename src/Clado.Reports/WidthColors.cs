using ScottPlot;

namespace Clado.Reports;

/// <summary>The colours of widths, as the page has them: one each, and none between.</summary>
internal sealed class WidthColors : IColormap
{
    /// <summary>The widths there are.</summary>
    public const int Narrowest = 2, Widest = 8;

    private static readonly Color[] Colors =
    [
        .. ((string[])["#c2410c", "#e08a0b", "#a8a312", "#5c9e31", "#16908a", "#2b7bd0", "#4a3fc4"]).Select(hex => Color.FromHex(hex)),
    ];

    /// <inheritdoc/>
    public string Name => "widths";

    /// <summary>The colour of a width.</summary>
    /// <param name="bits">Range: [2, 8].</param>
    public static Color Of(int bits) => Colors[Math.Clamp(bits, Narrowest, Widest) - Narrowest];

    /// <inheritdoc/>
    public Color GetColor(double position) => Of(Narrowest + (int)Math.Round(position * (Widest - Narrowest)));
}
