using System.Globalization;

namespace Clado.Allocation;

/// <summary>What each layer costs at each width in some unit of the user's, such as measured latency: a CSV file with the columns <c>layer,bits,cost</c>.</summary>
public sealed class CostTable
{
    private const string Header = "layer,bits,cost";

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
        var table = new CostTable(path);
        string[] lines = File.ReadAllLines(path);
        if (lines.Length == 0 || lines[0].Replace(" ", "", StringComparison.Ordinal) != Header)
        {
            throw new CladoException($"{path}(line 1): not the header; start the file with {Header}");
        }
        for (int line = 1; line < lines.Length; line++)
        {
            if (!string.IsNullOrWhiteSpace(lines[line]))
            {
                table.Add(lines[line], line + 1);
            }
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

    private void Add(string line, int number)
    {
        string[] cells = line.Split(',');
        if (cells.Length < 3
            || !int.TryParse(cells[^2], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int bits)
            || !long.TryParse(cells[^1], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long cost)
            || cost > 1L << 53)
        {
            throw new CladoException($"{path}(line {number}): '{line}' is not a layer, a width and a whole cost of 0 to 2^53; write for example conv1,4,1200");
        }
        string layer = string.Join(',', cells[..^2]).Trim();
        if (!costs.TryAdd((layer, bits), cost))
        {
            throw new CladoException($"{path}(line {number}): layer '{layer}' at {bits} bits is there twice; keep one of the lines");
        }
        total += cost;
        if (total > 1L << 53)
        {
            throw new CladoException($"{path}(line {number}): up to here costs add up to more than 2^53, beyond which sums are not exact; give them in a larger unit");
        }
    }
}
