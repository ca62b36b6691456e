using System.Buffers;
using System.Numerics.Tensors;

namespace Clado.Numerics;

/// <summary>
/// The product of two dense matrices, added to a third. Blocks are copied so that the inner loop reads them in order, and that loop
/// keeps a tile of the result in registers (Goto and van de Geijn, ACM TOMS 34, 2008). The order of every entry's sum does not depend
/// on the number of threads.
/// </summary>
/// <param name="a">Shape: [rows, depth].</param>
/// <param name="b">Shape: [depth, columns].</param>
/// <param name="target">Its columns are neighbours in memory. Shape: [rows, columns].</param>
/// <param name="shape">Rows, columns and depth.</param>
internal sealed class MatrixProduct(MatrixBlock a, MatrixBlock b, MatrixBlock target, (int Rows, int Columns, int Depth) shape)
{
    // Rows of the right matrix copied at once. A tile's strip of them is 24 KB: it stays in the first cache, of 32 KB or more.
    private const int SliceDepth = 256;

    // Rows of the left matrix a thread copies at once: 128 KB, half of a small second cache. Half as many are no quicker.
    private const int TaskRows = 64;

    // Fewer multiplications than this take half a millisecond at most; starting threads for them would take a good part of that.
    private const long ParallelWork = 4_000_000;

    /// <summary>What the product is multiplied by.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Products summed by themselves before they are added to the target: the grain of rounding. Range: [1, 256].</summary>
    public int SumDepth { get; init; } = SliceDepth;

    /// <summary>Whether tiles wholly below the diagonal are left as they are.</summary>
    public bool UpperOnly { get; init; }

    /// <summary>Threads. Range: [1, inf).</summary>
    public int ThreadCount { get; init; } = 1;

    /// <summary><c>target += factor · a · b</c>.</summary>
    public void Add()
    {
        int strips = (shape.Columns + ProductTile.Columns - 1) / ProductTile.Columns;
        double[] right = ArrayPool<double>.Shared.Rent(strips * ProductTile.Columns * Math.Min(SliceDepth, Math.Max(1, shape.Depth)));
        for (int from = 0; from < shape.Depth; from += SliceDepth)
        {
            AddSlice(new Slice(from, Math.Min(SliceDepth, shape.Depth - from), strips, right));
        }
        ArrayPool<double>.Shared.Return(right);
    }

    private void AddSlice(Slice slice)
    {
        for (int strip = 0; strip < slice.Strips; strip++)
        {
            PackStrip(slice.From, strip * ProductTile.Columns, slice.Strip(strip));
        }
        int tasks = (shape.Rows + TaskRows - 1) / TaskRows;
        if (ThreadCount > 1 && tasks > 1 && (long)shape.Rows * shape.Columns * slice.Depth > ParallelWork)
        {
            Parallel.For(0, tasks, new ParallelOptions { MaxDegreeOfParallelism = ThreadCount }, task => AddRows(task, slice));
            return;
        }
        for (int task = 0; task < tasks; task++)
        {
            AddRows(task, slice);
        }
    }

    /// <summary>Copies columns of the right matrix row by row; columns beyond its last are 0.</summary>
    private void PackStrip(int from, int column, Span<double> strip)
    {
        int columns = Math.Min(ProductTile.Columns, shape.Columns - column);
        for (int k = 0; k * ProductTile.Columns < strip.Length; k++)
        {
            var row = strip.Slice(k * ProductTile.Columns, ProductTile.Columns);
            int at = b.Position(from + k, column);
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

    /// <summary>One task's rows of the target.</summary>
    private void AddRows(int task, Slice slice)
    {
        int first = task * TaskRows, end = Math.Min(shape.Rows, first + TaskRows);
        int bands = (end - first + ProductTile.Rows - 1) / ProductTile.Rows, length = ProductTile.Rows * slice.Depth;
        double[] left = ArrayPool<double>.Shared.Rent(bands * length);
        for (int band = 0; band < bands; band++)
        {
            PackBand(slice.From, first + (band * ProductTile.Rows), left.AsSpan(band * length, length));
        }
        Span<double> edge = stackalloc double[ProductTile.Rows * ProductTile.Columns];
        for (int strip = 0; strip < slice.Strips; strip++)
        {
            int column = strip * ProductTile.Columns;
            for (int band = 0; band < bands; band++)
            {
                int row = first + (band * ProductTile.Rows);
                if (!UpperOnly || column + ProductTile.Columns > row)
                {
                    AddTile(row, column, left.AsSpan(band * length, length), slice.Strip(strip), edge);
                }
            }
        }
        ArrayPool<double>.Shared.Return(left);
    }

    /// <summary>Copies rows of the left matrix, times the factor, column by column; rows beyond its last are 0.</summary>
    private void PackBand(int from, int row, Span<double> packed)
    {
        int count = Math.Min(ProductTile.Rows, shape.Rows - row), depth = packed.Length / ProductTile.Rows;
        for (int i = 0; i < ProductTile.Rows; i++)
        {
            int at = a.Position(row + i, from);
            for (int k = 0; k < depth; k++)
            {
                packed[(k * ProductTile.Rows) + i] = i < count ? Factor * a.Data[at + (k * a.ColumnStride)] : 0;
            }
        }
    }

    private void AddTile(int row, int column, ReadOnlySpan<double> left, ReadOnlySpan<double> strip, Span<double> edge)
    {
        int rows = Math.Min(ProductTile.Rows, shape.Rows - row), columns = Math.Min(ProductTile.Columns, shape.Columns - column);
        for (int from = 0; from * ProductTile.Rows < left.Length; from += SumDepth)
        {
            int depth = Math.Min(SumDepth, (left.Length / ProductTile.Rows) - from);
            var first = left.Slice(from * ProductTile.Rows, depth * ProductTile.Rows);
            var second = strip[(from * ProductTile.Columns)..];
            if (rows == ProductTile.Rows && columns == ProductTile.Columns)
            {
                ProductTile.Add(first, second, target.Data.AsSpan(target.Position(row, column)), target.RowStride);
                continue;
            }
            edge.Clear();
            ProductTile.Add(first, second, edge, ProductTile.Columns);
            for (int i = 0; i < rows; i++)
            {
                var into = target.Data.AsSpan(target.Position(row + i, column), columns);
                TensorPrimitives.Add(into, edge.Slice(i * ProductTile.Columns, columns), into);
            }
        }
    }

    /// <summary>Some rows of the right matrix, copied strip by strip.</summary>
    private sealed record Slice(int From, int Depth, int Strips, double[] Packed)
    {
        public Span<double> Strip(int strip) => Packed.AsSpan(strip * ProductTile.Columns * Depth, ProductTile.Columns * Depth);
    }
}
