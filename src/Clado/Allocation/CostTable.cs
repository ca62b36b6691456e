using System.Globalization;
using Clado.Records;

namespace Clado.Allocation;

/// <summary>
/// What each layer costs at each width, in some unit of the user's such as measured latency.
/// A CSV file with the columns <c>layer,bits,cost</c>.
/// </summary>
public sealed class CostTable
{
    private const string Header = "layer,bits,cost";

    // Doubles hold every whole number up to this one.
    private const long Exact = 1L << 53;

    private const NumberStyles Whole = NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;

    private readonly string path;
    private readonly Dictionary<(string Layer, int Bits), long> costs = [];
    private long total;

    private CostTable(string path) => this.path = path;

    /// <summary>Reads a table.</summary>
    /// <param name="path">The CSV file. A layer's name may hold commas; costs are whole numbers of 0 to 2^53.</param>
    /// <exception cref="CladoException">The file is missing or a line is not a layer, a width and a cost, or is there twice.</exception>
    public static CostTable Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (InputFile.Problem(path) is { } problem)
        {
            throw new CladoException($"{path}: {problem}; give a CSV file with the columns {Header}");
        }
        var rows = Rows(path);
        if (rows is not [var first, ..] || string.Concat(first.Text.Where(c => c != ' ')) != Header)
        {
            throw new CladoException($"{path}(line 1): not the header; start the file with {Header}");
        }
        var table = new CostTable(path);
        foreach (var row in rows.Skip(1).Where(row => !row.IsBlank))
        {
            table.Add(row);
        }
        return table;
    }

    /// <summary>Cost of a layer at a width.</summary>
    /// <param name="layer">Name of the layer.</param>
    /// <param name="bits">Width. Range: [2, 8].</param>
    /// <exception cref="CladoException">The table does not say.</exception>
    public long this[string layer, int bits] => costs.TryGetValue((layer, bits), out long cost)
        ? cost
        : throw new CladoException($"{path}: no cost of layer '{layer}' at {bits} bits; add the line {layer},{bits},COST");

    /// <summary>Lines in a fixed order: the same for tables that say the same.</summary>
    internal IEnumerable<string> Lines => costs.Select(c => $"{c.Key.Layer},{c.Key.Bits},{c.Value}").Order(StringComparer.Ordinal);

    private static IReadOnlyList<CsvRow> Rows(string path)
    {
        try
        {
            return Csv.Read(File.ReadAllText(path), trims: true);
        }
        catch (InvalidDataException e)
        {
            throw new CladoException($"{path}: {e.Message}", e);
        }
    }

    private void Add(CsvRow row)
    {
        string place = $"{path}(line {row.Line})";
        if (row.Cells is not [.. { Length: > 0 } names, var width, var price]
            || !int.TryParse(width, Whole, CultureInfo.InvariantCulture, out int bits)
            || !long.TryParse(price, Whole, CultureInfo.InvariantCulture, out long cost)
            || cost > Exact)
        {
            throw new CladoException(
                $"{place}: '{row.Text}' is not a layer, a width and a whole cost of 0 to 2^53; write for example conv1,4,1200");
        }
        // Names that hold commas need no quotes here.
        string layer = string.Join(',', names);
        if (!costs.TryAdd((layer, bits), cost))
        {
            throw new CladoException($"{place}: layer '{layer}' at {bits} bits is there twice; keep one of the lines");
        }
        total += cost;
        if (total > Exact)
        {
            throw new CladoException(
                $"{place}: up to here costs add up to more than 2^53, beyond which sums are not exact; give them in a larger unit");
        }
    }
}
