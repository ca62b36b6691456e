using Spectre.Console;

namespace Clado.Cli.Output;

/// <summary>
/// Rows of plain text: nothing in it is taken for markup. What is aligned left are names, which are shortened in the middle where the table
/// is wider than its place; what is aligned right are numbers, which stay whole.
/// </summary>
/// <param name="columns">Titles, and whether a column is aligned right. Shape: [columns].</param>
internal sealed class TextTable(params (string Title, bool Right)[] columns)
{
    // Of a name that is shortened so much, little can be told.
    private const int ShortestName = 9;

    // A space on either side of a cell, and one between cells.
    private const int Padding = 3;

    private const string Cut = "…";

    private readonly List<string[]> rows = [];

    /// <summary>Adds a row.</summary>
    /// <param name="cells">Shape: [columns].</param>
    public void Row(params IEnumerable<string> cells) => rows.Add([.. cells]);

    /// <summary>Writes it; numbers alone may be wider than the place.</summary>
    /// <param name="console">Where to.</param>
    public void Write(IAnsiConsole console)
    {
        int place = console.Profile.Width;
        int[] widths = [.. columns.Select((column, i) => rows.Select(row => row[i].Length).Append(column.Title.Length).Max())];
        int longest = widths.Where((_, i) => !columns[i].Right).DefaultIfEmpty(0).Max();
        int Width(int names) => 1 + widths.Select((own, i) => Padding + (columns[i].Right ? own : Math.Min(own, names))).Sum();
        while (longest > ShortestName && Width(longest) > place)
        {
            longest--;
        }
        var table = new Table { Border = TableBorder.Simple };
        foreach (var (title, right) in columns)
        {
            table.AddColumn(new TableColumn(new Text(title)) { Alignment = right ? Justify.Right : Justify.Left, NoWrap = true });
        }
        foreach (var row in rows)
        {
            table.AddRow(row.Select((cell, i) => new Text(columns[i].Right ? cell : Shortened(cell, longest))));
        }
        console.Profile.Width = Math.Max(place, Width(longest));
        console.Write(table);
        console.Profile.Width = place;
    }

    /// <summary>Beginning and end of a name, as long as it may be.</summary>
    private static string Shortened(string name, int longest)
    {
        int left = longest - Cut.Length;
        return name.Length <= longest ? name : name[..(left - (left / 2))] + Cut + name[^(left / 2)..];
    }
}
