namespace Clado.Calibration;

/// <summary>What a layer's inputs are like on the calibration images.</summary>
/// <param name="Columns">Columns of the layer's weight matrices.</param>
/// <param name="RowCount">Rows (im2col) the means are over.</param>
/// <param name="Gram">Mean of x xᵀ, a matrix a group. Shape: [groups][columns, columns]; symmetric.</param>
/// <param name="Cross">
/// Where x comes from a network whose earlier layers are quantized: the mean of x yᵀ, y the same inputs in the float network; null where both are the same.
/// Shape: [groups][columns, columns].
/// </param>
public sealed record InputStatistics(int Columns, long RowCount, IReadOnlyList<float[]> Gram, IReadOnlyList<float[]>? Cross = null)
{
    /// <summary>Mean of x, a vector a group; null where it is not known. Shape: [groups][columns].</summary>
    public IReadOnlyList<double[]>? Mean { get; init; }

    /// <summary>Mean of the float network's inputs, where x comes from another. Shape: [groups][columns].</summary>
    public IReadOnlyList<double[]>? FloatMean { get; init; }

    /// <summary>The same around the means: covariances in place of mean products. What a bias makes good does not count in them.</summary>
    public InputStatistics Centred() => Mean is null ? this : this with
    {
        Gram = [.. Gram.Zip(Mean, (gram, mean) => Subtract(gram, mean, mean))],
        Cross = Cross is null ? null : [.. Cross.Select((cross, group) => Subtract(cross, Mean[group], FloatMean![group]))],
    };

    private static float[] Subtract(float[] products, double[] left, double[] right)
    {
        var centred = new float[products.Length];
        for (int i = 0; i < products.Length; i++)
        {
            centred[i] = (float)(products[i] - (left[i / right.Length] * right[i % right.Length]));
        }
        return centred;
    }

    /// <summary>Whether all inputs were finite.</summary>
    public bool IsFinite => Gram.All(gram => Enumerable.Range(0, Columns).All(i => float.IsFinite(gram[i * (Columns + 1)])));

    /// <summary>Bytes the matrices of a layer take, sums and means together.</summary>
    /// <param name="matrix">The layer's weight matrices.</param>
    public static long SizeBytes(WeightMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        long width = Numerics.GramSum.PackedWidth(matrix.Columns);
        return 2 * sizeof(float) * width * width * matrix.Groups;
    }
}
