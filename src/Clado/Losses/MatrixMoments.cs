namespace Clado.Losses;

/// <summary>Moments of every entry of a symmetric matrix. Different entries may be set from different threads.</summary>
internal sealed class MatrixMoments
{
    private readonly int n;

    public MatrixMoments(int n) => (this.n, Values) = (n, new double[2 * n * n]);

    /// <summary>Takes recorded moments.</summary>
    /// <param name="n">Order of the matrix.</param>
    /// <param name="values">See <see cref="Values"/>.</param>
    public MatrixMoments(int n, double[] values) => (this.n, Values) = (n, values);

    /// <summary>The sums, then the sums of squares. Shape: [2, n, n].</summary>
    public double[] Values { get; }

    /// <summary>An entry and its mirror image.</summary>
    public Moments this[int a, int b]
    {
        set
        {
            Values[(a * n) + b] = Values[(b * n) + a] = value.Sum;
            Values[(n * n) + (a * n) + b] = Values[(n * n) + (b * n) + a] = value.Squares;
        }
    }

    /// <summary>Mean of every entry over the images. Shape: [n, n].</summary>
    public double[] Means(int images) => [.. Values.Take(n * n).Select(sum => sum / images)];

    /// <summary>Standard error of every mean; 0 where there is one image. Shape: [n, n].</summary>
    public double[] StandardErrors(int images) =>
        [.. Enumerable.Range(0, n * n).Select(i => new Moments(Values[i], Values[(n * n) + i]).StandardError(images))];
}
