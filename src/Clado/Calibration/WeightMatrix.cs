using Clado.Layers;

namespace Clado.Calibration;

/// <summary>
/// A layer's weight as matrices, one a group: an output is the product of a matrix row and a vector of inputs.
/// Says where a matrix element lies in the weight's own order, and which scale it has.
/// </summary>
/// <param name="Groups">Groups of a convolution, or matrices of a batch; 1 elsewhere.</param>
/// <param name="Rows">Output channels a group.</param>
/// <param name="InputChannels">Input channels a group.</param>
/// <param name="Taps">Kernel elements; 1 where there is no kernel. A column is (input channel, tap).</param>
internal sealed record WeightMatrix(int Groups, int Rows, int InputChannels, int Taps)
{
    private readonly bool inputsFirst;

    private WeightMatrix(int groups, int rows, int inputChannels, int taps, bool inputsFirst)
        : this(groups, rows, inputChannels, taps) => this.inputsFirst = inputsFirst;

    /// <summary>Columns of each matrix: weights an output channel.</summary>
    public int Columns => InputChannels * Taps;

    // The channels of a transposed convolution have a row in every group.
    private bool SharesScales { get; init; }

    /// <summary>The matrices of a layer.</summary>
    /// <param name="layer">The layer.</param>
    public static WeightMatrix Of(QuantizableLayer layer)
    {
        if (!layer.HasKnownInputs)
        {
            // A row of one use may be a column of another, and of tables there are none. Only single weights are common to all uses.
            return new WeightMatrix(1, (int)layer.Parameters, 1, 1, inputsFirst: false);
        }
        if (layer.Op is not ("Conv" or "ConvTranspose" or "Gemm"))
        {
            int rows = layer.ChannelsPerMatrix, columns = (int)(layer.Parameters / layer.ChannelCount);
            return new WeightMatrix(layer.Matrices, rows, columns, 1, inputsFirst: layer.ChannelAxis == layer.Shape.Count - 1);
        }
        int groups = (int)layer.Groups, first = (int)layer.Shape[0], second = (int)layer.Shape[1];
        int taps = (int)layer.Shape.Skip(2).Aggregate(1L, (product, dim) => product * dim);
        // Outputs first: Conv, and factors from the left or transposed. Inputs first: ConvTranspose, factors from the right.
        return layer.ChannelAxis == 0
            ? new WeightMatrix(groups, first / groups, second, taps, inputsFirst: false)
            : new WeightMatrix(groups, second, first / groups, taps, inputsFirst: true) { SharesScales = true };
    }

    /// <summary>Position of an element in the weight.</summary>
    /// <param name="group">Group. Range: [0, Groups).</param>
    /// <param name="row">Row. Range: [0, Rows).</param>
    /// <param name="column">Column. Range: [0, Columns).</param>
    public int Position(int group, int row, int column) => inputsFirst
        ? (((((group * InputChannels) + (column / Taps)) * Rows) + row) * Taps) + (column % Taps)
        : (((group * Rows) + row) * Columns) + column;

    /// <summary>The channel whose scale a row has. In a grouped ConvTranspose, a channel has a row in every group.</summary>
    /// <param name="group">Group. Range: [0, Groups).</param>
    /// <param name="row">Row. Range: [0, Rows).</param>
    public int Channel(int group, int row) => SharesScales ? row : (group * Rows) + row;

    /// <summary>Copies a row out of the weight.</summary>
    /// <param name="weights">The weight in its own order. Shape: [parameters].</param>
    /// <param name="group">Group. Range: [0, Groups).</param>
    /// <param name="row">Row. Range: [0, Rows).</param>
    /// <returns>Shape: [columns].</returns>
    public float[] Row(ReadOnlySpan<float> weights, int group, int row)
    {
        var values = new float[Columns];
        for (int column = 0; column < values.Length; column++)
        {
            values[column] = weights[Position(group, row, column)];
        }
        return values;
    }
}
