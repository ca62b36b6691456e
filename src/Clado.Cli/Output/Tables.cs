using Spectre.Console;

namespace Clado.Cli.Output;

/// <summary>Rows of plain text.</summary>
internal static class Tables
{
    /// <summary>Adds a row; nothing in it is taken for markup.</summary>
    public static void Row(this Table table, params IEnumerable<string> cells) => table.AddRow(cells.Select(c => new Text(c)));
}
