using Clado.Layers;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tests.Layers;
using Xunit;

namespace Clado.Tests.Candidates;

/// <summary>Steps from a channel's statistics: the constants by integration, scales and codes one by one.</summary>
public class GaussianTests
{
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 7, 8];

    [Fact]
    public void StepsLoseLeastOfNormalNumbers() => Assert.All(Widths, bits =>
    {
        float step = GaussianRounding.StepOf(bits);
        double least = Error(step, bits);
        Assert.True(least < Error(step * 0.998, bits));
        Assert.True(least < Error(step * 1.002, bits));
    });

    [Fact]
    public void ScalesAndCodesAreThoseOfTheRule()
    {
        var graph = LayerTests.AllKinds();
        foreach (var layer in LayerFinder.Find(graph).Layers)
        {
            float[] weights = TensorData.ReadSingles("", graph.Initializers[layer.Weight]);
            var rounded = new GaussianRounding().Round(layer, weights, [2, 3, 6], null, 2);
            foreach (var (bits, (codes, scales)) in ((int[])[2, 3, 6]).Zip(rounded))
            {
                for (int channel = 0; channel < layer.ChannelCount; channel++)
                {
                    int[] own = layer.Positions(channel);
                    double spread = Math.Sqrt(own.Average(i => (double)weights[i] * weights[i]));
                    Assert.Equal(spread * GaussianRounding.StepOf(bits), scales[channel], spread * 1e-6);
                    Assert.All(own, i => Assert.Equal(
                        Math.Clamp(MathF.Round(weights[i] / scales[channel]), Grid.Lowest(bits), Grid.Highest(bits)), codes[i]));
                }
            }
        }
        Assert.Contains("gaussian", PipelineOptions.Roundings);
        Assert.False(RoundingMethods.LooksAtImages("gaussian"));
    }

    /// <summary>E (w − s q(w / s))² for a standard normal w, by the midpoint rule.</summary>
    private static double Error(double step, int bits)
    {
        const double Width = 1e-3, End = 9;
        double sum = 0;
        for (double w = -End + (Width / 2); w < End; w += Width)
        {
            double error = w - (step * Math.Clamp(Math.Round(w / step), Grid.Lowest(bits), Grid.Highest(bits)));
            sum += error * error * Math.Exp(-w * w / 2) * Width;
        }
        return sum;
    }
}
