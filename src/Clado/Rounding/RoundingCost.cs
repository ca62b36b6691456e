using Clado.Calibration;
using Clado.Layers;

namespace Clado.Rounding;

/// <summary>
/// What putting a layer on grids costs, in MACs of a network that runs: so that shares and times left can be told before it is done.
/// Estimates, on which no result depends.
/// </summary>
internal static class RoundingCost
{
    // Sums and rounding go through memory more than a network does (docs/numerics.md).
    private const double Slowness = 4;

    // Trials of scales and updates a weight, each along its row.
    private const int Trials = 8;

    /// <summary>MACs of measuring a layer's inputs: the network's pass up to it apart, the sum of products of its inputs.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="images">Images they are measured on.</param>
    public static double OfInputs(QuantizableLayer layer, int images)
    {
        var matrix = WeightMatrix.Of(layer);
        double rows = Math.Min(LayerSum.WantedRows(matrix.Columns), (double)images * layer.Macs / layer.Parameters);
        return Slowness * matrix.Groups * rows * matrix.Columns * matrix.Columns;
    }

    /// <summary>MACs of rounding a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="widths">Number of widths.</param>
    /// <param name="onInputs">Whether it is rounded on its inputs, else to the nearest point.</param>
    public static double OfWeights(QuantizableLayer layer, int widths, bool onInputs)
    {
        var matrix = WeightMatrix.Of(layer);
        double columns = onInputs ? matrix.Columns : 1;
        double factor = onInputs ? (double)matrix.Groups * matrix.Columns * matrix.Columns * matrix.Columns : 0;
        return Slowness * (factor + (Trials * widths * layer.Parameters * columns));
    }
}
