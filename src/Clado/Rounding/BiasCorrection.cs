using Clado.Calibration;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Bias correction: rounding moves the mean of a layer's outputs, and the bias moves it back.
/// The corrected bias of a channel is <c>bias + E[W x] − E[Q(W) x̃]</c>.
/// Here x are the inputs in the float network, and x̃ those that the rounded weights get.
/// Only a bias that the network already has is corrected: it costs no bytes.
/// </summary>
internal sealed class BiasCorrection
{
    private readonly WeightMatrix matrix;
    private readonly IReadOnlyList<double[]> mean;
    private readonly double[] wanted;
    private readonly bool isHalf;

    private BiasCorrection(WeightMatrix matrix, IReadOnlyList<double[]> mean, double[] wanted, bool isHalf) =>
        (this.matrix, this.mean, this.wanted, this.isHalf) = (matrix, mean, wanted, isHalf);

    /// <summary>The correction of a layer; null where it has no bias of its own, or the means of its inputs are not known.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">Its float weights. Shape: [parameters].</param>
    /// <param name="inputs">Its inputs.</param>
    public static BiasCorrection? Of(Graph graph, QuantizableLayer layer, float[] weights, InputStatistics? inputs)
    {
        var matrix = WeightMatrix.Of(layer);
        // There, a channel has a row in every group: scales are shared, biases are not.
        if (layer.Bias is null || inputs?.Mean is null || (layer.Op == "ConvTranspose" && matrix.Groups > 1))
        {
            return null;
        }
        var bias = TensorData.ReadSingles(graph.File, graph.Initializers[layer.Bias]);
        var outputs = Outputs(matrix, weights, inputs.FloatMean ?? inputs.Mean);
        return new BiasCorrection(
            matrix, inputs.Mean, [.. outputs.Zip(bias, (output, b) => output + b)], HalfConstants.IsHalfBias(graph, layer.Bias));
    }

    /// <summary>The bias that belongs to rounded weights, in the precision of the layer's bias.</summary>
    /// <param name="dequantized">The rounded weights. Shape: [parameters].</param>
    /// <returns>Shape: [channels].</returns>
    public float[] Corrected(float[] dequantized) =>
        [.. wanted.Zip(Outputs(matrix, dequantized, mean), (w, output) => (float)(w - output))
            .Select(bias => isHalf ? HalfConstants.Rounded(bias) : bias)];

    /// <summary>The mean output of each channel, without a bias.</summary>
    private static double[] Outputs(WeightMatrix matrix, float[] weights, IReadOnlyList<double[]> mean)
    {
        var outputs = new double[matrix.Groups * matrix.Rows];
        for (int i = 0; i < outputs.Length; i++)
        {
            int group = i / matrix.Rows;
            for (int column = 0; column < matrix.Columns; column++)
            {
                outputs[i] += mean[group][column] * weights[matrix.Position(group, i % matrix.Rows, column)];
            }
        }
        return outputs;
    }
}
