using System.Numerics.Tensors;

namespace Clado.Losses;

/// <summary>
/// The curvature of a loss of classes by the scores, diag p − p pᵀ: the Fisher information of a distribution. It is a diagonal matrix less
/// one of rank one, so that its eigenvalues lie between neighbouring probabilities: there they solve <c>Σ p² / (p − λ) = 1</c>
/// (Golub 1973).
/// </summary>
internal sealed class ClassCurvature
{
    // Of an eigenvalue, as a share of itself and of the distance between the probabilities beside it.
    private const double Precision = 1e-10;

    // Probabilities that are nearer to each other, as a share of themselves, count as equal.
    private const double Equality = 1e-9;

    // Keeps a factor finite where an eigenvalue is a probability.
    private const double LeastDistance = 1e-100;

    private readonly double[] p;
    private readonly int[] order;

    /// <param name="p">The distribution. Shape: [classes].</param>
    public ClassCurvature(ReadOnlySpan<double> p)
    {
        this.p = p.ToArray();
        order = [.. Enumerable.Range(0, p.Length)];
        Array.Sort(Array.ConvertAll(this.p, share => -share), order);
    }

    /// <summary>The distribution. Shape: [classes].</summary>
    public IReadOnlyList<double> Distribution => p;

    /// <summary>The sum of all eigenvalues.</summary>
    public double Trace => p.Sum(share => share * (1 - share));

    /// <summary>vᵀ (diag p − p pᵀ) v.</summary>
    /// <param name="v">Shape: [classes].</param>
    public double Along(IReadOnlyList<double> v)
    {
        double squares = 0, mean = 0;
        for (int k = 0; k < p.Length; k++)
        {
            squares += p[k] * v[k] * v[k];
            mean += p[k] * v[k];
        }
        return squares - (mean * mean);
    }

    /// <summary>Eigenvectors of the largest eigenvalues, orthonormal.</summary>
    /// <param name="count">How many. Range: [0, classes).</param>
    /// <returns>Shape: [count][classes].</returns>
    public double[][] Leading(int count)
    {
        var vectors = new double[count][];
        for (int i = 0; i < count; i++)
        {
            vectors[i] = Orthonormal(Eigenvector(i), vectors.AsSpan(0, i));
        }
        return vectors;
    }

    /// <summary>
    /// What of a vector is orthogonal to others, of length one (Gram and Schmidt): rounding mixes them where eigenvalues are near.
    /// </summary>
    private static double[] Orthonormal(double[] vector, ReadOnlySpan<double[]> others)
    {
        double length = TensorPrimitives.Norm<double>(vector);
        TensorPrimitives.Divide(vector, length, vector);
        foreach (double[] other in others)
        {
            double along = TensorPrimitives.Dot<double>(vector, other);
            for (int k = 0; k < vector.Length; k++)
            {
                vector[k] -= along * other[k];
            }
        }
        length = TensorPrimitives.Norm<double>(vector);
        TensorPrimitives.Divide(vector, length, vector);
        return vector;
    }

    private double[] Eigenvector(int index)
    {
        var (first, second) = (order[index], order[index + 1]);
        if (p[first] - p[second] <= Equality * p[first])
        {
            var difference = new double[p.Length];
            (difference[first], difference[second]) = (1, -1);
            return difference;
        }
        double value = Root(p[second], p[first]);
        return [.. p.Select(share => share / Distance(share, value))];
    }

    private double Root(double low, double high)
    {
        double distance = high - low;
        while (high - low > Precision * Math.Min(high, distance))
        {
            double middle = (low + high) / 2, sum = 0;
            if (middle <= low || middle >= high)
            {
                break;
            }
            foreach (double share in p)
            {
                sum += share * share / Distance(share, middle);
            }
            (low, high) = sum < 1 ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    private static double Distance(double share, double value) =>
        share < value ? Math.Min(share - value, -LeastDistance) : Math.Max(share - value, LeastDistance);
}
