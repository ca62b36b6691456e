using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>The rows of a layer's weight matrices, and how they map to channels and to the weight's own order.</summary>
internal sealed class LayerRows
{
    private readonly WeightMatrix matrix;
    private readonly float[][] rows;

    public LayerRows(QuantizableLayer layer, ReadOnlySpan<float> weights)
    {
        (Layer, matrix) = (layer, WeightMatrix.Of(layer));
        rows = new float[matrix.Groups * matrix.Rows][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = matrix.Row(weights, i / matrix.Rows, i % matrix.Rows);
        }
    }

    private LayerRows(QuantizableLayer layer, WeightMatrix matrix, float[][] rows) =>
        (Layer, this.matrix, this.rows) = (layer, matrix, rows);

    /// <summary>The layer.</summary>
    public QuantizableLayer Layer { get; }

    /// <summary>Rows of all groups.</summary>
    public int Count => rows.Length;

    /// <summary>Number of groups.</summary>
    public int Groups => matrix.Groups;

    /// <summary>Columns of each matrix.</summary>
    public int Columns => matrix.Columns;

    /// <summary>Number of the layer's channels: each has a scale.</summary>
    public int ChannelCount => Layer.ChannelCount;

    /// <summary>A row. Shape: [columns].</summary>
    public float[] this[int group, int row] => rows[Index(group, row)];

    /// <summary>Position of a row among those of all groups.</summary>
    public int Index(int group, int row) => (group * matrix.Rows) + row;

    /// <summary>The channel whose scale a row has.</summary>
    public int Channel(int group, int row) => matrix.Channel(group, row);

    /// <summary>The same layer with other rows.</summary>
    /// <param name="row">Gives the new row for a group and the row as it is.</param>
    /// <param name="threads">Threads; results do not depend on their number.</param>
    public LayerRows Select(Func<int, float[], float[]> row, int threads)
    {
        var other = new float[rows.Length][];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        Parallel.For(0, rows.Length, options, i => other[i] = row(i / matrix.Rows, rows[i]));
        return new LayerRows(Layer, matrix, other);
    }

    /// <summary>Does something with every row, in order.</summary>
    /// <param name="action">Receives group and row.</param>
    public void ForEachRow(Action<int, int> action)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            action(i / matrix.Rows, i % matrix.Rows);
        }
    }

    /// <summary>Does something with every block of rows, several blocks side by side. All rows of a block are of one group.</summary>
    /// <param name="size">Rows a block, at most.</param>
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

    /// <summary>A value of each row. Shape: [rows].</summary>
    /// <param name="threads">Rows at a time.</param>
    /// <param name="value">Gives it for group and row.</param>
    public double[] PerRow(int threads, Func<int, int, double> value)
    {
        var values = new double[rows.Length];
        ForEachBlock(1, threads, (group, row, _) => values[Index(group, row)] = value(group, row));
        return values;
    }

    /// <summary>The sum of a value of each row over the rows of each channel, in order.</summary>
    /// <param name="values">A value a row. Shape: [rows].</param>
    /// <returns>Shape: [channels].</returns>
    public double[] SumByChannel(double[] values)
    {
        var sums = new double[ChannelCount];
        ForEachRow((group, row) => sums[Channel(group, row)] += values[Index(group, row)]);
        return sums;
    }

    /// <summary>Writes a row's codes to their positions in the weight.</summary>
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

    /// <summary>Codes as numbers. Shape: [columns].</summary>
    public static float[] Values(sbyte[] codes)
    {
        var values = new float[codes.Length];
        for (int column = 0; column < values.Length; column++)
        {
            values[column] = codes[column];
        }
        return values;
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

    /// <summary>Limits the codes of every row so that no pair overflows (<see cref="KernelPairs.Limit"/>).</summary>
    public void Limit(KernelPairs pairs, sbyte[] codes) => ForEachRow((group, row) =>
    {
        var own = Gather(codes, group, row);
        if (pairs.Limit(own))
        {
            Scatter(own, group, row, codes);
        }
    });

    /// <summary>Codes of the rows in the weight's own order, with their scales.</summary>
    /// <param name="codes">Shape: [rows][columns].</param>
    /// <param name="scales">Shape: [channels].</param>
    public RoundedWeights Rounded(sbyte[][] codes, float[] scales)
    {
        var all = new sbyte[Count * Columns];
        ForEachRow((group, row) => Scatter(codes[Index(group, row)], group, row, all));
        return new RoundedWeights(all, [.. scales]);
    }

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
