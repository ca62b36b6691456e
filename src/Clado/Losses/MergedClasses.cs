namespace Clado.Losses;

/// <summary>
/// A distribution of which the classes that move least along some directions are one class: its share is the sum of theirs, and it moves as
/// their mean.
/// </summary>
internal sealed class MergedClasses
{
    // A logarithm's least argument.
    private const double LeastShare = 1e-300;

    /// <summary>Merges classes.</summary>
    /// <param name="curvature">The distribution's curvature.</param>
    /// <param name="directions">Directions. Shape: [directions][classes].</param>
    /// <param name="count">Classes that are left. Range: [1, classes].</param>
    public MergedClasses(ClassCurvature curvature, double[][] directions, int count)
    {
        var p = curvature.Distribution;
        int[] order = [.. Enumerable.Range(0, p.Count)];
        if (count < p.Count)
        {
            double[] moves = [.. p.Select((share, k) => -share * directions.Sum(own => own[k] * own[k]))];
            Array.Sort(moves, order);
        }
        var shares = new double[count];
        Vectors = [.. directions.Select(_ => new double[count])];
        foreach (var (position, k) in order.Index())
        {
            int own = Math.Min(position, count - 1);
            shares[own] += p[k];
            for (int i = 0; i < directions.Length; i++)
            {
                Vectors[i][own] += p[k] * directions[i][k];
            }
        }
        for (int i = 0; i < directions.Length; i++)
        {
            for (int own = 0; own < count; own++)
            {
                // A class without a share moves as it does: it counts for nothing.
                Vectors[i][own] = own < count - 1 || count == p.Count ? directions[i][order[own]]
                    : shares[own] > 0 ? Vectors[i][own] / shares[own] : 0;
            }
        }
        Logits = [.. shares.Select(share => (float)Math.Log(Math.Max(share, LeastShare)))];
        double along = Vectors.Sum(new ClassCurvature(shares).Along);
        Factor = along > 0 ? Math.Sqrt(Math.Max(1, curvature.Trace / along)) : 1;
    }

    /// <summary>Logarithms of the shares. Shape: [count].</summary>
    public float[] Logits { get; }

    /// <summary>The directions. Shape: [directions][count].</summary>
    public double[][] Vectors { get; }

    /// <summary>The root of what all curvature is of that along the directions. Range: [1, inf).</summary>
    public double Factor { get; }
}
