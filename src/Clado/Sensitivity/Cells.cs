namespace Clado.Sensitivity;

/// <summary>Elements of an output sorted into cells, and how much the images change each cell.</summary>
/// <param name="count">Number of cells.</param>
internal sealed class Cells(int count)
{
    // Changes below a hundredth of a cell's size count as this much: what hardly changes must not outweigh all others.
    private const double SmallestChange = 1e-2;

    // Deviations below a millionth of the largest are rounding of single-precision outputs: constants.
    private const double SmallestShare = 1e-6;

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

    /// <summary>Mean variance of each cell's elements, at least the square of <see cref="SmallestChange"/> times their mean square. Shape: [cells].</summary>
    public double[] Scales() => [.. variances.Select((variance, cell) => Math.Max(variance, SmallestChange * SmallestChange * squares[cell]) / Math.Max(1, counts[cell]))];

    /// <summary>What is no larger is constant.</summary>
    /// <param name="scales">Scales of an output. Shape: [cells].</param>
    public static double ConstantBelow(double[] scales) => SmallestShare * SmallestShare * scales.Max();
}
