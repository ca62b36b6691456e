using Clado.Calibration;
using Clado.Rounding;
using CsCheck;
using Xunit;
using Problem = Clado.Tests.Candidates.FeedbackTests.Problem;

namespace Clado.Tests.Candidates;

public class GpfqTests
{
    // Codes of 8 bits may leave the path to keep their pairs (KernelPairsTests).
    private static readonly Gen<Problem> Problems =
        from rows in Gen.Int[1, 34]
        from columns in Gen.Int[1, 30]
        from bits in Gen.Int[2, 7]
        from seed in Gen.Int[0, 1 << 30]
        select new Problem(rows, columns, bits, seed);

    /// <summary>
    /// The paper's form, with the residual as a vector over all inputs, gives the same codes except for targets half way between two.
    /// </summary>
    [Fact]
    public void CodesAreThoseOfThePath() => Gen.Select(Problems, Gen.Bool).Sample((p, quantized) =>
    {
        // Inputs of a network whose earlier layers are quantized: the float ones with an error of their own.
        var random = new Random(p.Seed);
        var x = quantized ? [.. p.X.Select(row => row.Select(v => v + (0.1 * (random.NextDouble() - 0.5))).ToArray())] : p.X;
        var inputs = new InputStatistics(p.Columns, x.Length, [Mean(x, x)], quantized ? [Mean(x, p.X)] : null);
        var rounded = new GpfqRounding().Round(p.Layer, p.Weights, [p.Bits], inputs, 2)[0];
        for (int row = 0; row < p.Rows; row++)
        {
            var residual = new double[x.Length];
            double scale = rounded.Scales[row];
            for (int t = 0; t < p.Columns; t++)
            {
                int at = (row * p.Columns) + t;
                double norm = x.Sum(v => v[t] * v[t]), product = 0;
                for (int n = 0; n < x.Length; n++)
                {
                    residual[n] += p.Weights[at] * p.X[n][t];
                    product += residual[n] * x[n][t];
                }
                double target = (norm > 0 ? product / norm : p.Weights[at]) / scale;
                Assert.InRange(rounded.Codes[at] - Math.Clamp(target, Grid.Lowest(p.Bits), Grid.Highest(p.Bits)), -0.501, 0.501);
                // Follow the codes that were chosen: at a tie, another code would change all later ones.
                for (int n = 0; n < x.Length; n++)
                {
                    residual[n] -= rounded.Codes[at] * scale * x[n][t];
                }
            }
        }
    }, iter: 100);

    [Fact]
    public void OnQuantizedInputsFeedbackComesNearerToTheFloatOutputs()
    {
        var random = new Random(3);
        for (int seed = 0; seed < 10; seed++)
        {
            var p = new Problem(8, 24, 3, seed);
            var x = p.X.Select(row => row.Select(v => (0.8 * v) + (0.3 * random.NextDouble())).ToArray()).ToArray();
            double Difference(RoundedWeights r, int n, int row, int k)
            {
                int at = (row * p.Columns) + k;
                return (p.X[n][k] * p.Weights[at]) - (x[n][k] * r.Codes[at] * r.Scales[row]);
            }
            double Error(RoundedWeights r) => Enumerable.Range(0, x.Length).Sum(n => Enumerable.Range(0, p.Rows).Sum(row =>
                Math.Pow(Enumerable.Range(0, p.Columns).Sum(k => Difference(r, n, row, k)), 2)));
            var inputs = new InputStatistics(p.Columns, x.Length, [Mean(x, x)], [Mean(x, p.X)]);
            Assert.True(Error(p.Round(threads: 2, inputs: inputs)) < Error(p.Round()), $"seed {seed}");
        }
    }

    [Fact]
    public void TheSameInputsTwiceAreAsGoodAsOnce() => Problems.Sample(p =>
    {
        var twice = p.Inputs with { Cross = p.Inputs.Gram };
        Assert.Equal(p.Round().Codes, new FeedbackRounding().Round(p.Layer, p.Weights, [p.Bits], twice, 1)[0].Codes);
    }, iter: 50);

    private static float[] Mean(double[][] x, double[][] y)
    {
        int n = x[0].Length;
        return [.. Enumerable.Range(0, n * n).Select(i => (float)x.Zip(y, (a, b) => a[i / n] * b[i % n]).Average())];
    }
}
