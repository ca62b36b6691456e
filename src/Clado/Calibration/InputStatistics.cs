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
