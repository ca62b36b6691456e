namespace Clado.Numerics;

/// <summary>A part of an array read as a matrix: entry (i, j) lies at <c>At + i · RowStride + j · ColumnStride</c>.</summary>
/// <param name="Data">The array.</param>
/// <param name="At">Where entry (0, 0) lies.</param>
/// <param name="RowStride">Distance of two rows.</param>
/// <param name="ColumnStride">Distance of two columns.</param>
internal readonly record struct MatrixBlock(double[] Data, int At, int RowStride, int ColumnStride = 1)
{
    /// <summary>The transposed block.</summary>
    public MatrixBlock Transposed => new(Data, At, ColumnStride, RowStride);

    /// <summary>Where an entry lies.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="column">Its column.</param>
    public int Position(int row, int column) => At + (row * RowStride) + (column * ColumnStride);
}
