using System.Text;

namespace Clado.Cli.Output;

/// <summary>Text in a window: lines end between words.</summary>
internal static class TextLines
{
    // Narrower windows cut words, whatever is done.
    private const int NarrowestWindow = 20;

    /// <summary>A line as several, where it is too long; words stay whole, and so do the blanks before the first.</summary>
    /// <param name="text">The line.</param>
    /// <param name="width">Characters of a line.</param>
    /// <param name="indent">Blanks before every line but the first.</param>
    public static string Wrapped(string text, int width, int indent)
    {
        if (text.Length <= width || width < NarrowestWindow)
        {
            return text;
        }
        var lines = new StringBuilder();
        int place = 0, hang = indent + NarrowestWindow > width ? 0 : indent;
        foreach (var word in Words(text))
        {
            bool isFirst = lines.Length == 0;
            if (!isFirst && place + 1 + word.Length > width)
            {
                lines.AppendLine().Append(' ', hang);
                place = hang;
            }
            else if (!isFirst)
            {
                lines.Append(' ');
                place++;
            }
            lines.Append(word);
            place += word.Length;
        }
        return lines.ToString();
    }

    /// <summary>Words; what stands in columns at the beginning is one with the blanks in it.</summary>
    private static string[] Words(string text)
    {
        int start = text.LastIndexOf("  ", StringComparison.Ordinal) is >= 0 and var gap ? gap + 2 : 0;
        string[] words = text[start..].Split(' ');
        words[0] = text[..start] + words[0];
        return words;
    }
}
