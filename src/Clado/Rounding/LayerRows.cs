using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>The rows of a layer's weight matrices, and the ways between them, channels and the weight's own order.</summary>
internal sealed class LayerRows
{
    private readonly WeightMatrix matrix;
    private readonly float[][] rows;

    public LayerRows(QuantizableLayer layer, ReadOnlySpan<float> weights)
    {
        matrix = WeightMatrix.Of(layer);
        ChannelCount = layer.ChannelCount;
        rows = new float[matrix.Groups * matrix.Rows][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = matrix.Row(weights, i / matrix.Rows, i % matrix.Rows);
        }
    }

    private LayerRows(WeightMatrix matrix, int channelCount, float[][] rows) => (this.matrix, ChannelCount, this.rows) = (matrix, channelCount, rows);

    /// <summary>Rows of all groups.</summary>
    public int Count => rows.Length;

    /// <summary>Columns of each matrix.</summary>
    public int Columns => matrix.Columns;

    /// <summary>Scales of the layer.</summary>
    public int ChannelCount { get; }

    /// <summary>A row. Shape: [columns].</summary>
    public float[] this[int group, int row] => rows[Index(group, row)];

    /// <summary>Position of a row among those of all groups.</summary>
    public int Index(int group, int row) => (group * matrix.Rows) + row;

    /// <summary>The channel whose scale a row takes.</summary>
    public int Channel(int group, int row) => matrix.Channel(group, row);

    /// <summary>The same layer with other rows.</summary>
    /// <param name="row">Gives a row from its group and what it is now.</param>
    /// <param name="threads">Rows at a time.</param>
    public LayerRows Select(Func<int, float[], float[]> row, int threads)
    {
        var other = new float[rows.Length][];
        Parallel.For(0, rows.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => other[i] = row(i / matrix.Rows, rows[i]));
        return new LayerRows(matrix, ChannelCount, other);
    }

    /// <summary>Does something with every row, in order.</summary>
    public void ForEachRow(Action<int, int> action)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            action(i / matrix.Rows, i % matrix.Rows);
        }
    }

    /// <summary>Does something with blocks of rows of a group, several side by side.</summary>
    /// <param name="size">Rows a block.</param>
    /// <param name="threads">Blocks at a time.</param>
    /// <param name="action">Receives group, first row and number of rows.</param>
    public void ForEachBlock(int size, int threads, Action<int, int, int> action)
    {
        int blocks = (matrix.Rows + size - 1) / size;
        Parallel.For(0, matrix.Groups * blocks, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            int first = i % blocks * size;
            action(i / blocks, first, Math.Min(size, matrix.Rows - first));
        });
    }

    /// <summary>Puts a row's codes where they belong in the weight.</summary>
    /// <param name="codes">Shape: [columns].</param>
    /// <param name="group">Group.</param>
    /// <param name="row">Row.</param>
    /// <param name="target">Shape: [parameters].</param>
    public void Scatter(ReadOnlySpan<sbyte> codes, int group, int row, sbyte[] target)
    {
        for (int column = 0; column < codes.Length; column++)
        {
            target[matrix.Position(group, row, column)] = codes[column];
        }
    }

    /// <summary>A row's codes. Shape: [columns].</summary>
    public sbyte[] Gather(sbyte[] codes, int group, int row)
    {
        var values = new sbyte[Columns];
        for (int column = 0; column < values.Length; column++)
        {
            values[column] = codes[matrix.Position(group, row, column)];
        }
        return values;
    }

    /// <summary>Brings the codes of every row within its pairs.</summary>
    public void Limit(KernelPairs pairs, sbyte[] codes) => ForEachRow((group, row) =>
    {
        var own = Gather(codes, group, row);
        if (pairs.Limit(own))
        {
            Scatter(own, group, row, codes);
        }
    });

    /// <summary>Copies the codes of a channel.</summary>
    public void CopyChannel(sbyte[] from, sbyte[] to, int channel)
    {
        for (int group = 0; group < matrix.Groups; group++)
        {
            int row = channel - matrix.Channel(group, 0);
            if (row >= 0 && row < matrix.Rows)
            {
                for (int column = 0; column < Columns; column++)
                {
                    int at = matrix.Position(group, row, column);
                    to[at] = from[at];
                }
            }
        }
    }
}
