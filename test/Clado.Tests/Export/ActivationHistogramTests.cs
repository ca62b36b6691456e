using Clado.Activations;
using CsCheck;
using Xunit;

namespace Clado.Tests.Export;

public class ActivationHistogramTests
{
    /// <summary>Eight values at once are counted as one by one: zeros are not, and extremes are in the last bins.</summary>
    [Fact]
    public void CountsValuesTogetherAsOneByOne() =>
        Gen.OneOf(Gen.Const(0f), Gen.Const(-0f), Gen.Float[-3, 5]).Array[1, 60].Sample(values =>
        {
            float minimum = values.Min(), maximum = values.Max();
            var (together, single) = (new ActivationHistogram(minimum, maximum), new ActivationHistogram(minimum, maximum));
            together.Add(values);
            foreach (float value in values)
            {
                single.Add([value]);
            }
            Assert.Equal(single.LeastSquares(), together.LeastSquares());
            foreach (double tail in (double[])[0, 0.05, 0.2, 0.4])
            {
                Assert.Equal(single.Percentile(tail), together.Percentile(tail));
            }
        });
}
