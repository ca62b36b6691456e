using Clado.Calibration;
using Clado.Layers;
using Clado.Rounding;

namespace Clado.Equalization;

/// <summary>A layer that reads scaled channels, and the output error of rounding its weights.</summary>
/// <param name="layer">The layer.</param>
/// <param name="weights">Its weights. Shape: [parameters].</param>
/// <param name="inputs">Its inputs.</param>
internal sealed class ChannelReader(QuantizableLayer layer, float[] weights, InputStatistics inputs)
{
    private readonly WeightMatrix matrix = WeightMatrix.Of(layer);
    private readonly InputStatistics judged = layer.Bias is null ? inputs : inputs.Centred();

    /// <summary>Mean square of an input channel over all positions.</summary>
    public double MeanSquare(int channel)
    {
        var (group, first) = Place(channel);
        return Enumerable.Range(first, matrix.Taps).Average(column => (double)inputs.Gram[group][column * (matrix.Columns + 1)]);
    }

    public double LargestWeight(int channel)
    {
        var (group, first) = Place(channel);
        double largest = 0;
        for (int row = 0; row < matrix.Rows; row++)
        {
            for (int column = first; column < first + matrix.Taps; column++)
            {
                largest = Math.Max(largest, Math.Abs(weights[matrix.Position(group, row, column)]));
            }
        }
        return largest;
    }

    /// <summary>Mean squared output error of the layer when its weights are rounded with these factors.</summary>
    public double Error(float[] factors, IRounding rounding, int bits, int threads)
    {
        float[] scaled = EqualizedGraph.Read(layer, weights, factors);
        var divided = judged with { Gram = [.. judged.Gram.Select((gram, group) => Divided(gram, group, factors))], Mean = null };
        var rounded = rounding.Round(layer, scaled, [bits], divided, threads)[0];
        var products = new GramProducts(new LayerRows(layer, scaled), divided, new double[matrix.Groups], threads);
        return new LayerErrors(products, rounded).OutputErrors().Sum();
    }

    /// <summary>Group of an input channel, and the first of its columns there.</summary>
    private (int Group, int First) Place(int channel) =>
        (channel / matrix.InputChannels, channel % matrix.InputChannels * matrix.Taps);

    private float[] Divided(float[] gram, int group, float[] factors)
    {
        float Factor(int column) => factors[(group * matrix.InputChannels) + (column / matrix.Taps)];
        var divided = new float[gram.Length];
        for (int i = 0; i < matrix.Columns; i++)
        {
            float own = Factor(i);
            for (int j = 0; j < matrix.Columns; j++)
            {
                divided[(i * matrix.Columns) + j] = gram[(i * matrix.Columns) + j] / (own * Factor(j));
            }
        }
        return divided;
    }
}
