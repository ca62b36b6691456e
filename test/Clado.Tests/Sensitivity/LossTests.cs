using Clado.Losses;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Losses against their definitions, term by term.</summary>
public class LossTests
{
    [Fact]
    public void AdditiveCrossTermsEqualTheDirectLoop()
    {
        var random = new Random(2);
        const int images = 3, classes = 7, candidates = 6;
        float Value(double spread) => (float)(spread * (random.NextDouble() - 0.5));
        float[] Values(double spread) => [.. Enumerable.Range(0, images * classes).Select(_ => Value(spread))];
        // Spreads up to where products of exponentials leave the range of a double.
        foreach (double spread in (double[])[0.01, 1, 100, 3000])
        {
            var logits = Values(20);
            // Where the measurement stands: an operating point away from the float network.
            float[] moved = [.. logits.Zip(Values(2), (z, shift) => z + shift)];
            var shifts = Enumerable.Range(0, candidates).Select(_ => Values(spread)).ToArray();
            OutputLoss[] losses =
            [
                ClassLoss.KullbackLeibler(logits, moved, classes),
                ClassLoss.CrossEntropy(logits, moved, classes, [1, 0, 6]),
                new SquaredLoss([0.5, 2, 1, 3, 0.25, 0, 4], [.. moved.Zip(logits, (z, z0) => z - z0)]),
            ];
            foreach (var loss in losses)
            {
                var cross = loss.CrossTerms(shifts, [0, 0, 1, 1, 2, 2], threads: 2);
                for (int a = 0; a < candidates; a++)
                {
                    for (int b = 0; b < candidates; b++)
                    {
                        double first = loss.Increases(shifts[a], classes).Sum(), second = loss.Increases(shifts[b], classes).Sum();
                        double both = loss.Increases(shifts[a].Zip(shifts[b], (p, q) => p + q).ToArray(), classes).Sum();
                        // The direct loop rounds δ_a + δ_b to single precision.
                        double expected = a / 2 == b / 2 ? 0 : both - first - second, tolerance = 1e-6 * (1 + spread + Math.Abs(both));
                        Assert.Equal(expected, cross.Values[(a * candidates) + b], tolerance);
                    }
                }
            }
        }
    }

    [Fact]
    public void LossesAreThoseOfTheTextbook()
    {
        float[] z = [1, 2, 0.5f, -1, 0, 3], shift = [0.5f, -1, 0.25f, 2, 0, -1];
        double Log(int image, float[] v, int k) =>
            v[(image * 3) + k] - Math.Log(Enumerable.Range(0, 3).Sum(j => Math.Exp(v[(image * 3) + j])));
        float[] moved = [.. z.Zip(shift, (a, b) => a + b)];
        var kl = ClassLoss.KullbackLeibler(z, z, 3);
        var ce = ClassLoss.CrossEntropy(z, z, 3, [2, 0]);
        for (int image = 0; image < 2; image++)
        {
            int label = image == 0 ? 2 : 0;
            double divergence = Enumerable.Range(0, 3).Sum(k => Math.Exp(Log(image, z, k)) * (Log(image, z, k) - Log(image, moved, k)));
            Assert.Equal(divergence, kl.Increase(image, shift.AsSpan(image * 3, 3)), 1e-9);
            Assert.Equal(Log(image, z, label) - Log(image, moved, label), ce.Increase(image, shift.AsSpan(image * 3, 3)), 1e-9);
            // From the moved outputs back to the float ones: all that was lost is won.
            float[] back = [.. shift.Select(v => -v)];
            Assert.Equal(-divergence, ClassLoss.KullbackLeibler(z, moved, 3).Increase(image, back.AsSpan(image * 3, 3)), 1e-6);
            double gained = ClassLoss.CrossEntropy(z, moved, 3, [2, 0]).Increase(image, back.AsSpan(image * 3, 3));
            Assert.Equal(Log(image, moved, label) - Log(image, z, label), gained, 1e-6);
        }
        Assert.Equal(-(Log(0, z, 2) + Log(1, z, 0)) / 2, ce.Base, 1e-9);
        // Two outputs of two elements and one, of variances 1 and 0.5.
        OutputScale[] scales = [new("a", new OutputParts([1, 2], []), [1]), new("b", new OutputParts([1, 1], []), [0.5])];
        double[] weights = SquaredLoss.Weights(scales);
        Assert.Equal(-0.25 / 2 / 2, new SquaredLoss(weights, [0.5f, 0, 0]).Increase(0, [-0.5f, 0, 0]), 1e-6);
        Assert.Equal(((0.25 + 1) / 2 / 2) + (0.0625 / 0.5 / 2), new SquaredLoss(weights, [0, 0, 0]).Increase(0, [0.5f, -1, 0.25f]), 1e-6);
    }
}
