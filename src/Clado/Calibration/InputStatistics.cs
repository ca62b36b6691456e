namespace Clado.Calibration;

/// <summary>Second moments and means of a layer's inputs x on the calibration images.</summary>
/// <param name="Columns">Columns of the layer's weight matrices.</param>
/// <param name="RowCount">Rows of im2col that the means are over.</param>
/// <param name="Gram">The Gram matrix of each group: mean of x xᵀ. Symmetric. Shape: [groups][columns, columns].</param>
/// <param name="Cross">
/// Mean of x yᵀ, where x comes from a network whose earlier layers are quantized and y is the same input in the float network.
/// null where both are the same. Shape: [groups][columns, columns].
/// </param>
internal sealed record InputStatistics(int Columns, long RowCount, IReadOnlyList<float[]> Gram, IReadOnlyList<float[]>? Cross = null)
{
    /// <summary>Mean of x in each group; null where it is not known. Shape: [groups][columns].</summary>
    public IReadOnlyList<double[]>? Mean { get; init; }

    /// <summary>Mean of y, where there is <see cref="Cross"/>; else null. Shape: [groups][columns].</summary>
    public IReadOnlyList<double[]>? FloatMean { get; init; }

    /// <summary>
    /// The same around the means: covariances in place of mean products.
    /// An error that a bias can correct does not count in them.
    /// </summary>
    public InputStatistics Centred() => Mean is null ? this : this with
    {
        Gram = [.. Gram.Zip(Mean, (gram, mean) => Subtract(gram, mean, mean))],
        Cross = Cross is null ? null : [.. Cross.Select((cross, group) => Subtract(cross, Mean[group], FloatMean![group]))],
    };

    /// <summary>Whether all inputs were finite.</summary>
    public bool IsFinite => Gram.All(gram => Enumerable.Range(0, Columns).All(i => float.IsFinite(gram[i * (Columns + 1)])));

    /// <summary>Bytes of a layer's matrices, sums and means together.</summary>
    /// <param name="matrix">The layer's weight matrices.</param>
    public static long SizeBytes(WeightMatrix matrix)
    {
        long width = Numerics.GramSum.PackedWidth(matrix.Columns);
        return 2 * sizeof(float) * width * width * matrix.Groups;
    }

    private static float[] Subtract(float[] products, double[] left, double[] right)
    {
        var centred = new float[products.Length];
        for (int i = 0; i < products.Length; i++)
        {
            centred[i] = (float)(products[i] - (left[i / right.Length] * right[i % right.Length]));
        }
        return centred;
    }
}
