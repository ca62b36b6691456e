using nietras.SeparatedValues;

namespace Clado.Records;

/// <summary>Tables as text: cells with commas, quotes or line ends stand in quotes, and quotes inside are doubled (RFC 4180).</summary>
internal static class Csv
{
    /// <summary>Writes a table, with the line ends of Unix.</summary>
    /// <param name="header">Names of the columns. Shape: [columns].</param>
    /// <param name="rows">Shape: [rows][columns].</param>
    public static string Of(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        using var text = new StringWriter { NewLine = "\n" };
        using (var writer = Sep.New(',').Writer(options => options with { WriteHeader = false, Escape = true }).To(text))
        {
            foreach (var cells in rows.Prepend(header))
            {
                using var row = writer.NewRow();
                for (int i = 0; i < cells.Count; i++)
                {
                    row[i].Set(cells[i]);
                }
            }
        }
        return text.ToString();
    }

    /// <summary>Reads a table, header included. Rows need not be equally long, and lines may end in any system's way.</summary>
    /// <param name="text">Anything at all.</param>
    /// <param name="trims">Whether spaces around cells do not count.</param>
    /// <returns>Shape: [rows].</returns>
    /// <exception cref="InvalidDataException">It is no table; the message says where and why.</exception>
    public static IReadOnlyList<CsvRow> Read(string text, bool trims = false)
    {
        var rows = new List<CsvRow>();
        try
        {
            using var reader = Sep.New(',').Reader(options => options with
            {
                HasHeader = false,
                Unescape = true,
                DisableColCountCheck = true,
                Trim = trims ? SepTrim.Outer : SepTrim.None,
            }).FromText(text);
            foreach (var row in reader)
            {
                // The reader counts lines from the second row on.
                rows.Add(new CsvRow(rows.Count == 0 ? 1 : row.LineNumberFrom, Cells(row)));
            }
        }
        catch (NotSupportedException e)
        {
            throw new InvalidDataException($"line {(rows.Count == 0 ? 1 : rows[^1].Line + 1)} or a later one is too long for a table", e);
        }
        // Whoever opens a quote and does not close it has the rest of the file in one cell.
        return text.AsSpan().Count('"') % 2 == 0 ? rows : throw new InvalidDataException(
            $"line {rows[^1].Line} opens a quote that is not closed; double quotes that are part of a name, and put the name in quotes");
    }

    private static string[] Cells(SepReader.Row row)
    {
        var cells = new string[row.ColCount];
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = row[i].ToString();
        }
        return cells;
    }
}

/// <summary>A row of a table.</summary>
/// <param name="Line">The line of the file it begins in. Range: [1, inf).</param>
/// <param name="Cells">Shape: [columns].</param>
internal sealed record CsvRow(int Line, string[] Cells)
{
    /// <summary>Whether it is an empty line.</summary>
    public bool IsBlank => Cells is [var only] && string.IsNullOrWhiteSpace(only);

    /// <summary>The row for people: its cells without what quotes them.</summary>
    public string Text => string.Join(',', Cells);
}
