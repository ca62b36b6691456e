using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Clado.Numerics;

/// <summary>
/// A sum of products XᵀY over many rows, in single precision: blocks of 4 × 16 entries are summed in registers over a chunk of rows, then
/// added to the total. Rows come packed: <see cref="PanelWidth"/> columns side by side, row after row, panel after panel.
/// </summary>
internal sealed class GramSum
{
    /// <summary>Columns of a panel: two registers of eight.</summary>
    public const int PanelWidth = 16;

    // Four rows of two registers are eight sums: with a row's two and a factor eleven of the sixteen registers there are.
    private const int TileRows = 4;

    // Fewer panels are not worth starting threads for.
    private const int ParallelPanels = 4;

    private readonly int columns;
    private readonly int width;
    private readonly float[] total;

    /// <summary>Begins with zeros.</summary>
    /// <param name="columns">Columns of X and of Y.</param>
    public GramSum(int columns)
    {
        this.columns = columns;
        width = PackedWidth(columns);
        total = new float[(long)width * width];
    }

    /// <summary>Columns with the last panel filled up.</summary>
    public static int PackedWidth(int columns) => (columns + PanelWidth - 1) / PanelWidth * PanelWidth;

    /// <summary>Adds XᵀX of some rows; blocks below the diagonal are left out.</summary>
    /// <param name="x">Packed rows. Shape: [panels, rows, 16].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="threads">Threads to use; the sum does not depend on it.</param>
    public void Add(ReadOnlyMemory<float> x, int rows, int threads) =>
        For(threads, panel => AddPanel(x.Span, x.Span, rows, panel, panel));

    /// <summary>Adds XᵀY of some rows.</summary>
    /// <param name="x">Packed rows. Shape: [panels, rows, 16].</param>
    /// <param name="y">Packed rows. Shape: [panels, rows, 16].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="threads">Threads to use; the sum does not depend on it.</param>
    public void AddCross(ReadOnlyMemory<float> x, ReadOnlyMemory<float> y, int rows, int threads) =>
        For(threads, panel => AddPanel(x.Span, y.Span, rows, panel, 0));

    /// <summary>Adds up the columns of some rows.</summary>
    /// <param name="x">Packed rows. Shape: [panels, rows, 16].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="total">Is added to. Shape: [columns].</param>
    public static void AddColumns(ReadOnlySpan<float> x, int rows, Span<double> total)
    {
        Span<float> sum = stackalloc float[PanelWidth];
        for (int first = 0; first < total.Length; first += PanelWidth)
        {
            ref float panel = ref MemoryMarshal.GetReference(x.Slice(first * rows, PanelWidth * rows));
            Vector256<float> s0 = default, s1 = default;
            for (nuint at = 0; at < (nuint)(rows * PanelWidth); at += PanelWidth)
            {
                s0 += Vector256.LoadUnsafe(ref panel, at);
                s1 += Vector256.LoadUnsafe(ref panel, at + 8);
            }
            s0.CopyTo(sum);
            s1.CopyTo(sum[8..]);
            for (int column = first; column < Math.Min(first + PanelWidth, total.Length); column++)
            {
                total[column] += sum[column - first];
            }
        }
    }

    /// <summary>The sum divided by a number, of XᵀX: both triangles.</summary>
    /// <returns>Shape: [columns, columns].</returns>
    public float[] Symmetric(double divisor)
    {
        var result = Full(divisor);
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j < i; j++)
            {
                result[(i * columns) + j] = result[(j * columns) + i];
            }
        }
        return result;
    }

    /// <summary>The sum divided by a number, of XᵀY.</summary>
    /// <returns>Shape: [columns of X, columns of Y].</returns>
    public float[] Full(double divisor)
    {
        var result = new float[(long)columns * columns];
        float factor = (float)(1 / divisor);
        for (int i = 0; i < columns; i++)
        {
            TensorPrimitives.Multiply(total.AsSpan(i * width, columns), factor, result.AsSpan(i * columns, columns));
        }
        return result;
    }

    private void For(int threads, Action<int> panel)
    {
        int panels = width / PanelWidth;
        if (threads == 1 || panels < ParallelPanels)
        {
            for (int p = 0; p < panels; p++)
            {
                panel(p);
            }
            return;
        }
        Parallel.For(0, panels, new ParallelOptions { MaxDegreeOfParallelism = threads }, panel);
    }

    private void AddPanel(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int rows, int panel, int firstPanel)
    {
        var left = x.Slice(panel * rows * PanelWidth, rows * PanelWidth);
        for (int other = firstPanel; other < width / PanelWidth; other++)
        {
            var right = y.Slice(other * rows * PanelWidth, rows * PanelWidth);
            for (int row = 0; row < PanelWidth; row += TileRows)
            {
                AddTile(left[row..], right, rows, total.AsSpan((((panel * PanelWidth) + row) * width) + (other * PanelWidth)));
            }
        }
    }

    private void AddTile(ReadOnlySpan<float> left, ReadOnlySpan<float> right, int rows, Span<float> target)
    {
        ref float a = ref MemoryMarshal.GetReference(left);
        ref float b = ref MemoryMarshal.GetReference(right);
        Vector256<float> s00 = default, s01 = default, s10 = default, s11 = default;
        Vector256<float> s20 = default, s21 = default, s30 = default, s31 = default;
        for (nuint at = 0; at < (nuint)(rows * PanelWidth); at += PanelWidth)
        {
            var b0 = Vector256.LoadUnsafe(ref b, at);
            var b1 = Vector256.LoadUnsafe(ref b, at + 8);
            var a0 = Vector256.Create(Unsafe.Add(ref a, at));
            s00 = Vector256.FusedMultiplyAdd(a0, b0, s00);
            s01 = Vector256.FusedMultiplyAdd(a0, b1, s01);
            var a1 = Vector256.Create(Unsafe.Add(ref a, at + 1));
            s10 = Vector256.FusedMultiplyAdd(a1, b0, s10);
            s11 = Vector256.FusedMultiplyAdd(a1, b1, s11);
            var a2 = Vector256.Create(Unsafe.Add(ref a, at + 2));
            s20 = Vector256.FusedMultiplyAdd(a2, b0, s20);
            s21 = Vector256.FusedMultiplyAdd(a2, b1, s21);
            var a3 = Vector256.Create(Unsafe.Add(ref a, at + 3));
            s30 = Vector256.FusedMultiplyAdd(a3, b0, s30);
            s31 = Vector256.FusedMultiplyAdd(a3, b1, s31);
        }
        AddTo(target, s00, s01);
        AddTo(target[width..], s10, s11);
        AddTo(target[(2 * width)..], s20, s21);
        AddTo(target[(3 * width)..], s30, s31);
    }

    private static void AddTo(Span<float> target, Vector256<float> first, Vector256<float> second)
    {
        (Vector256.Create<float>(target) + first).CopyTo(target);
        (Vector256.Create<float>(target[8..]) + second).CopyTo(target[8..]);
    }
}
