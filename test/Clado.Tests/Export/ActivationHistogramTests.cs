using Clado.Activations;
using CsCheck;
using Xunit;

namespace Clado.Tests.Export;

public class ActivationHistogramTests
{
    /// <summary>
    /// Eight values at once, and small ones before large ones, are counted as one by one and the other way round: zeros are not.
    /// </summary>
    [Fact]
    public void CountsValuesInWhateverOrder() =>
        Gen.OneOf(Gen.Const(0f), Gen.Const(-0f), Gen.Float[-3, 5], Gen.Float[-1e-6f, 1e-6f], Gen.Float[-1e9f, 1e30f], Gen.Const(1e-42f))
            .Array[1, 60].Sample(values =>
            {
                var (together, single) = (new ActivationHistogram(), new ActivationHistogram());
                together.Add(values);
                foreach (float value in values.Reverse())
                {
                    single.Add([value]);
                }
                Assert.Equal(single.Extremes(), together.Extremes());
                Assert.Equal(single.LeastSquares(), together.LeastSquares());
                foreach (double tail in (double[])[0, 0.05, 0.2, 0.4])
                {
                    Assert.Equal(single.Percentile(tail), together.Percentile(tail));
                }
            });

    /// <summary>Quantiles are those of the sorted values that are not zero, within the width of a bin.</summary>
    [Fact]
    public void QuantilesAreThoseOfTheValues() => Gen.Float[-3, 5].Where(value => value != 0).Array[1, 200].Sample(values =>
    {
        var seen = new ActivationHistogram();
        seen.Add(values);
        float[] sorted = [.. values.Order()];
        double width = values.Max(Math.Abs) / 2048.0;
        foreach (double tail in (double[])[0, 0.05, 0.2, 0.4])
        {
            int outside = (int)(values.Length * tail);
            var (minimum, maximum) = seen.Percentile(tail);
            Assert.Equal(sorted[outside], minimum, width);
            Assert.Equal(sorted[^(outside + 1)], maximum, width);
        }
    });

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void NumbersThatAreNoneAreSeen(float value)
    {
        var seen = new ActivationHistogram();
        Assert.False(seen.IsFinite);
        seen.Add([1, value, 2]);
        seen.Add([3]);
        Assert.False(seen.IsFinite);
    }
}
