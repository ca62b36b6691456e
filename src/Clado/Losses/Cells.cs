namespace Clado.Losses;

/// <summary>Elements of an output sorted into cells, and how much the images change each cell.</summary>
/// <param name="count">Number of cells.</param>
internal sealed class Cells(int count)
{
    // Deviations below a thousandth of a cell's size count as this much: what hardly changes must not outweigh all others.
    private const double SmallestChange = 1e-3;

    // Deviations below a millionth, of the size or of the largest there is, are rounding of single precision: constants.
    private const double Rounding = 1e-6;

    private readonly double[] variances = new double[count];
    private readonly double[] squares = new double[count];
    private readonly int[] counts = new int[count];

    /// <summary>Adds an element.</summary>
    /// <param name="cell">Its cell.</param>
    /// <param name="mean">Its mean over the images.</param>
    /// <param name="variance">Its variance over the images.</param>
    public void Add(int cell, double mean, double variance)
    {
        variances[cell] += variance;
        squares[cell] += (mean * mean) + variance;
        counts[cell]++;
    }

    /// <summary>
    /// How much the images change each cell: the mean variance of its elements, at least that of the smallest change. Of a constant
    /// it is the mean square. Shape: [cells].
    /// </summary>
    public double[] Scales() =>
        [.. variances.Zip(squares, counts).Select(cell => Scale(cell.First, cell.Second) / Math.Max(1, cell.Third))];

    /// <summary>What is no larger is constant.</summary>
    /// <param name="scales">Scales of an output. Shape: [cells].</param>
    public static double ConstantBelow(double[] scales) => Rounding * Rounding * scales.Max();

    private static double Scale(double variance, double square) =>
        variance <= Rounding * Rounding * square ? square : Math.Max(variance, SmallestChange * SmallestChange * square);
}
