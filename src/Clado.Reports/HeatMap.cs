using System.Globalization;
using static System.FormattableString;

namespace Clado.Reports;

/// <summary>
/// A sensitivity matrix small enough to look at: a value a pair of layers, both at the same width. On the diagonal stands the loss of a
/// layer alone (half its entry), elsewhere what a pair loses together beyond the sum of both alone (the entry itself): arXiv 2307.05657,
/// eq. 9.
/// </summary>
/// <param name="Blocks">First and last layer of each row: one layer, or neighbours whose values are added up. Shape: [rows][2].</param>
/// <param name="Widths">Width that all layers have in each map. Shape: [maps].</param>
/// <param name="Values">Lower triangle row by row, three significant digits. Shape: [maps][rows · (rows + 1) / 2].</param>
internal sealed record HeatMap(IReadOnlyList<int[]> Blocks, IReadOnlyList<int> Widths, IReadOnlyList<double[]> Values)
{
    // More rows than this cannot be told apart on a screen, and make the page large.
    internal const int LargestSide = 256;

    /// <summary>Cuts the maps out of a matrix.</summary>
    /// <param name="matrix">Symmetric. Shape: [candidates, candidates], row-major.</param>
    /// <param name="candidates">Order of the matrix.</param>
    /// <param name="rows">Row of each layer's candidate in each map. Shape: [maps][layers].</param>
    /// <param name="widths">Width of each map. Shape: [maps].</param>
    public static HeatMap Of(double[] matrix, int candidates, IReadOnlyList<int[]> rows, IReadOnlyList<int> widths)
    {
        int layers = rows[0].Length, together = (layers + LargestSide - 1) / LargestSide;
        int[][] blocks = [.. Enumerable.Range(0, layers).Chunk(together).Select(block => new[] { block[0], block[^1] })];
        double[] Map(int[] map) => Triangle(blocks, (i, j) => matrix[((long)map[i] * candidates) + map[j]]);
        return new HeatMap(blocks, widths, [.. rows.Select(Map)]);
    }

    /// <summary>Few significant digits: three are more than a colour can show.</summary>
    public static double Rounded(double value, int digits = 3) => !double.IsFinite(value) ? 0
        : double.Parse(value.ToString(Invariant($"G{digits}"), CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static double[] Triangle(int[][] blocks, Func<int, int, double> entry)
    {
        var values = new List<double>(blocks.Length * (blocks.Length + 1) / 2);
        for (int a = 0; a < blocks.Length; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double sum = 0;
                for (int i = blocks[a][0]; i <= blocks[a][1]; i++)
                {
                    for (int j = blocks[b][0]; j <= blocks[b][1]; j++)
                    {
                        sum += entry(i, j);
                    }
                }
                values.Add(Rounded(a == b ? sum / 2 : sum));
            }
        }
        return [.. values];
    }
}
