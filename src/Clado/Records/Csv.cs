using System.Text;

namespace Clado.Records;

/// <summary>Tables of text as RFC 4180 has them: cells with commas, quotes or line ends stand in quotes, quotes inside are doubled.</summary>
internal static class Csv
{
    /// <summary>Writes a table.</summary>
    /// <param name="header">Names of the columns. Shape: [columns].</param>
    /// <param name="rows">Shape: [rows][columns].</param>
    public static string Of(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows) =>
        string.Concat(rows.Prepend(header).Select(row => string.Join(',', row.Select(Quote)) + "\n"));

    /// <summary>Reads a table, header included. Shape: [rows][columns].</summary>
    public static IEnumerable<string[]> Read(string text)
    {
        var row = new List<string>();
        var cell = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '"')
            {
                // Two quotes inside quotes are one; else a quote opens or closes.
                if (quoted && i + 1 < text.Length && text[i + 1] == '"')
                {
                    cell.Append(text[++i]);
                }
                else
                {
                    quoted = !quoted;
                }
            }
            else if (quoted || c is not (',' or '\n'))
            {
                cell.Append(c);
            }
            else
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (c == '\n')
                {
                    yield return [.. row];
                    row.Clear();
                }
            }
        }
    }

    private static string Quote(string text) => text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
