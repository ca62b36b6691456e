using Clado.Calibration;
using Clado.Layers;
using Clado.Packing;

namespace Clado.Rounding;

/// <summary>
/// Rounding to nearest with step sizes from a channel's statistics (DAQ, arXiv 2012.11230): weights of a channel are taken for
/// normally distributed, and <c>scale = σ s(bits)</c>, where s is the step of least squared error for the standard normal distribution
/// (Max 1960, "Quantizing for minimum distortion"). DAQ shifts a channel by its mean and has no code at zero. Grids here have one and are
/// not shifted, so σ² is the mean square of the weights, and s that of their own grid.
/// </summary>
internal sealed class GaussianRounding : IRounding
{
    // The s of least E (w − s q(w / s))², from 2 bits on; at 8 bits the lowest code is −127.
    private static readonly float[] Steps = [1.04839f, 0.60182f, 0.33861f, 0.18879f, 0.10418f, 0.05689f, 0.03087f];

    /// <inheritdoc/>
    public string Name => "gaussian";

    /// <inheritdoc/>
    public bool NeedsInputs => false;

    /// <summary>The step of a width for the standard normal distribution.</summary>
    /// <param name="bits">Width of the grid. Range: [2, 8].</param>
    public static float StepOf(int bits) => Steps[bits - 2];

    /// <inheritdoc/>
    public IReadOnlyList<RoundedWeights> Round(
        QuantizableLayer layer, ReadOnlyMemory<float> weights, IReadOnlyList<int> widths, InputStatistics? inputs, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Length, layer.Parameters);
        return NearestRounding.Round(layer, weights, widths, threads, Scale);
    }

    private static float Scale(QuantizableLayer layer, ReadOnlySpan<float> channel, int bits)
    {
        double squares = 0;
        foreach (float weight in channel)
        {
            squares += (double)weight * weight;
        }
        float scale = (float)Math.Sqrt(squares / channel.Length) * StepOf(bits);
        // All weights are zero, or so small that the step would be no normal number. Any scale gives zeros.
        return layer.NearestScale(float.IsNormal(scale) ? scale : 1);
    }
}
