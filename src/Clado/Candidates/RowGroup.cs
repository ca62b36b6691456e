using Clado.Layers;

namespace Clado.Candidates;

/// <summary>Rows (output channels) of a layer that have one width.</summary>
/// <param name="Bits">The width. Range: [2, 8].</param>
/// <param name="Rows">The rows, ascending. Shape: [rows of the group].</param>
/// <param name="Shape">Dimensions of their weights. Shape: [rank].</param>
internal sealed record RowGroup(int Bits, int[] Rows, long[] Shape)
{
    /// <summary>Groups that a layer has at most: two bits say which one a row belongs to.</summary>
    public const int Most = 4;

    /// <summary>Number of its weights.</summary>
    public long Parameters => Shape.Aggregate(1L, (product, dim) => product * dim);

    /// <summary>The groups of a layer, narrowest first.</summary>
    /// <param name="layer">The layer: one matrix, with an axis of channels.</param>
    /// <param name="rowBits">Width of every row. Shape: [channels].</param>
    public static RowGroup[] Of(QuantizableLayer layer, IReadOnlyList<int> rowBits) =>
    [
        .. rowBits.Index().GroupBy(row => row.Item, row => row.Index).OrderBy(group => group.Key).Select(group =>
        {
            int[] rows = [.. group];
            return new RowGroup(group.Key, rows, [.. layer.Shape.Select((dim, axis) => axis == layer.ChannelAxis ? rows.Length : dim)]);
        }),
    ];

    /// <summary>The codes of its rows, in the order of its shape.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="codes">Codes of all rows. Shape: [parameters].</param>
    /// <returns>Shape: [parameters of the group].</returns>
    public sbyte[] Take(QuantizableLayer layer, sbyte[] codes)
    {
        int stride = layer.ChannelStride, channels = layer.ChannelsPerMatrix;
        var own = new sbyte[Parameters];
        for (int i = 0; i < own.Length; i++)
        {
            int outer = i / stride / Rows.Length, row = Rows[i / stride % Rows.Length];
            own[i] = codes[(((outer * channels) + row) * stride) + (i % stride)];
        }
        return own;
    }
}
