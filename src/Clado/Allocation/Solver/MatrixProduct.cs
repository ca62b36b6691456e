using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Clado.Allocation.Solver;

/// <summary>A part of an array read as a matrix: entry (i, j) lies at <c>At + i · RowStride + j · ColumnStride</c>.</summary>
/// <param name="Data">The array.</param>
/// <param name="At">Where entry (0, 0) lies.</param>
/// <param name="RowStride">Distance of two rows.</param>
/// <param name="ColumnStride">Distance of two columns.</param>
internal readonly record struct MatrixBlock(double[] Data, int At, int RowStride, int ColumnStride = 1)
{
    /// <summary>The transposed block.</summary>
    public MatrixBlock Transposed => new(Data, At, ColumnStride, RowStride);
}

/// <summary>
/// The product of two dense matrices: blocks are copied so that the inner loop reads them in order, and that loop keeps a tile of the result in
/// registers (Goto and van de Geijn, ACM TOMS 34, 2008). Every entry is summed in the same order whatever the number of threads.
/// </summary>
internal static class MatrixProduct
{
    // Four rows of three vectors leave four of sixteen registers for what is multiplied.
    private const int TileRows = 4, TileVectors = 3;

    // A tile's strip of the right matrix stays in the first cache, a task's rows of the left one in the second.
    private const int Depth = 256, TaskRows = 64;

    // Below this many multiplications handing work to threads costs more than it saves.
    private const long ParallelWork = 4_000_000;

    private static readonly int TileColumns = TileVectors * Vector<double>.Count;

    /// <summary><c>target += factor · a · b</c>.</summary>
    /// <param name="factor">Factor.</param>
    /// <param name="a">Shape: [rows, depth].</param>
    /// <param name="b">Shape: [depth, columns].</param>
    /// <param name="target">Its columns must be neighbours in memory. Shape: [rows, columns].</param>
    /// <param name="shape">Rows, columns and depth.</param>
    /// <param name="upperOnly">Whether tiles wholly below the diagonal may be left as they are.</param>
    /// <param name="threadCount">Threads.</param>
    public static void Add(
        double factor, MatrixBlock a, MatrixBlock b, MatrixBlock target, (int Rows, int Columns, int Depth) shape, bool upperOnly = false, int threadCount = 1)
    {
        int strips = (shape.Columns + TileColumns - 1) / TileColumns, tasks = (shape.Rows + TaskRows - 1) / TaskRows;
        double[] right = ArrayPool<double>.Shared.Rent(strips * TileColumns * Math.Min(Depth, Math.Max(1, shape.Depth)));
        for (int from = 0; from < shape.Depth; from += Depth)
        {
            int depth = Math.Min(Depth, shape.Depth - from), start = from;
            for (int strip = 0; strip < strips; strip++)
            {
                PackStrip(b, start, strip * TileColumns, Math.Min(TileColumns, shape.Columns - (strip * TileColumns)), right.AsSpan(strip * TileColumns * depth, TileColumns * depth));
            }
            void Run(int task) => MultiplyRows(factor, a, start, depth, right, target, (task * TaskRows, Math.Min(shape.Rows, (task + 1) * TaskRows)), shape.Columns, upperOnly);
            if (threadCount > 1 && tasks > 1 && (long)shape.Rows * shape.Columns * depth > ParallelWork)
            {
                Parallel.For(0, tasks, new ParallelOptions { MaxDegreeOfParallelism = threadCount }, Run);
            }
            else
            {
                for (int task = 0; task < tasks; task++)
                {
                    Run(task);
                }
            }
        }
        ArrayPool<double>.Shared.Return(right);
    }

    private static void PackStrip(MatrixBlock b, int from, int column, int columns, Span<double> strip)
    {
        for (int k = 0; k * TileColumns < strip.Length; k++)
        {
            var row = strip.Slice(k * TileColumns, TileColumns);
            int at = b.At + ((from + k) * b.RowStride) + (column * b.ColumnStride);
            if (b.ColumnStride == 1)
            {
                b.Data.AsSpan(at, columns).CopyTo(row);
            }
            else
            {
                for (int j = 0; j < columns; j++)
                {
                    row[j] = b.Data[at + (j * b.ColumnStride)];
                }
            }
            row[columns..].Clear();
        }
    }

    private static void MultiplyRows(
        double factor, MatrixBlock a, int from, int depth, double[] right, MatrixBlock target, (int From, int To) rows, int columns, bool upperOnly)
    {
        int bands = (rows.To - rows.From + TileRows - 1) / TileRows;
        double[] left = ArrayPool<double>.Shared.Rent(bands * TileRows * depth);
        for (int band = 0; band < bands; band++)
        {
            int row = rows.From + (band * TileRows), count = Math.Min(TileRows, rows.To - row);
            var packed = left.AsSpan(band * TileRows * depth, TileRows * depth);
            for (int i = 0; i < TileRows; i++)
            {
                int at = a.At + ((row + i) * a.RowStride) + (from * a.ColumnStride);
                for (int k = 0; k < depth; k++)
                {
                    packed[(k * TileRows) + i] = i < count ? factor * a.Data[at + (k * a.ColumnStride)] : 0;
                }
            }
        }
        Span<double> tile = stackalloc double[TileRows * TileColumns];
        for (int column = 0; column < columns; column += TileColumns)
        {
            var strip = right.AsSpan(column * depth, TileColumns * depth);
            for (int band = 0; band < bands; band++)
            {
                int row = rows.From + (band * TileRows);
                if (upperOnly && column + TileColumns <= row)
                {
                    continue;
                }
                MultiplyTile(left.AsSpan(band * TileRows * depth, TileRows * depth), strip, depth, tile);
                int width = Math.Min(TileColumns, columns - column);
                for (int i = 0; i < Math.Min(TileRows, rows.To - row); i++)
                {
                    var into = target.Data.AsSpan(target.At + ((row + i) * target.RowStride) + column, width);
                    TensorPrimitives.Add(into, tile.Slice(i * TileColumns, width), into);
                }
            }
        }
        ArrayPool<double>.Shared.Return(left);
    }

    private static void MultiplyTile(ReadOnlySpan<double> left, ReadOnlySpan<double> strip, int depth, Span<double> tile)
    {
        ref double a = ref MemoryMarshal.GetReference(left);
        ref double b = ref MemoryMarshal.GetReference(strip);
        nuint vector = (nuint)Vector<double>.Count;
        Vector<double> c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        Vector<double> c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        for (int k = 0; k < depth; k++)
        {
            Vector<double> b0 = Vector.LoadUnsafe(ref b), b1 = Vector.LoadUnsafe(ref b, vector), b2 = Vector.LoadUnsafe(ref b, 2 * vector);
            var factor = new Vector<double>(a);
            (c00, c01, c02) = (Vector.FusedMultiplyAdd(factor, b0, c00), Vector.FusedMultiplyAdd(factor, b1, c01), Vector.FusedMultiplyAdd(factor, b2, c02));
            factor = new Vector<double>(Unsafe.Add(ref a, 1));
            (c10, c11, c12) = (Vector.FusedMultiplyAdd(factor, b0, c10), Vector.FusedMultiplyAdd(factor, b1, c11), Vector.FusedMultiplyAdd(factor, b2, c12));
            factor = new Vector<double>(Unsafe.Add(ref a, 2));
            (c20, c21, c22) = (Vector.FusedMultiplyAdd(factor, b0, c20), Vector.FusedMultiplyAdd(factor, b1, c21), Vector.FusedMultiplyAdd(factor, b2, c22));
            factor = new Vector<double>(Unsafe.Add(ref a, 3));
            (c30, c31, c32) = (Vector.FusedMultiplyAdd(factor, b0, c30), Vector.FusedMultiplyAdd(factor, b1, c31), Vector.FusedMultiplyAdd(factor, b2, c32));
            a = ref Unsafe.Add(ref a, TileRows);
            b = ref Unsafe.Add(ref b, TileColumns);
        }
        ref double t = ref MemoryMarshal.GetReference(tile);
        nuint row = TileVectors * vector;
        c00.StoreUnsafe(ref t);
        c01.StoreUnsafe(ref t, vector);
        c02.StoreUnsafe(ref t, 2 * vector);
        c10.StoreUnsafe(ref t, row);
        c11.StoreUnsafe(ref t, row + vector);
        c12.StoreUnsafe(ref t, row + (2 * vector));
        c20.StoreUnsafe(ref t, 2 * row);
        c21.StoreUnsafe(ref t, (2 * row) + vector);
        c22.StoreUnsafe(ref t, (2 * row) + (2 * vector));
        c30.StoreUnsafe(ref t, 3 * row);
        c31.StoreUnsafe(ref t, (3 * row) + vector);
        c32.StoreUnsafe(ref t, (3 * row) + (2 * vector));
    }
}
