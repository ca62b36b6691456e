using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Rounding;
using Clado.Tests.Support;
using Clado.Tuning;
using CsCheck;
using Xunit;

namespace Clado.Tests.Tuning;

/// <summary>What steps do to a layer: laws of its codes, and the optimizer against the paper's algorithm, number by number.</summary>
public class TunedLayerTests
{
    private static readonly Graph Network = NetworkBuilder.SmallClassifier().BuildGraph();

    /// <summary>What is taken up is what was rounded, to the last bit; only the steps change it.</summary>
    [Fact]
    public void BeginsAtTheCandidate() => Gen.Int[2, 8].Sample(bits => Assert.All(Harness.Candidates(Network, bits).Items, start =>
    {
        var now = Layer(WithBias(start), out _).Now();
        Assert.Equal(start.Codes, now.Codes);
        Assert.Equal(start.Scales, now.Scales);
        Assert.Equal(WithBias(start).Bias, now.Bias);
    }), iter: 20);

    /// <summary>Whatever the gradients are, codes stay on the grid, pairs fit into integer kernels, and scales stay above zero.</summary>
    [Fact]
    public void StaysWritable() => Gen.Select(Gen.Int[2, 8], Gen.Int[0, 1 << 20], Gen.Float[-6, 6]).Sample((bits, seed, size) =>
    {
        var random = new Random(seed);
        foreach (var start in Harness.Candidates(Network, bits).Items.Select(WithBias))
        {
            var layer = Layer(start, out var state);
            for (int number = 1; number <= 40; number++)
            {
                float[] Gradient(int count) => [.. Enumerable.Range(0, count).Select(_ => MathF.Pow(10, size) * random.NextSingle())];
                layer.Step(layer.Now(), Gradient(start.Codes.Length), Gradient(start.Bias?.Length ?? 0), number, 1);
                // As far as rates of hundreds of such steps lead.
                state.Codes.Values[random.Next(start.Codes.Length)] += random.Next(-3, 4);
            }
            var now = layer.Now();
            Assert.All(now.Codes, code => Assert.InRange(code, Grid.Lowest(bits), Grid.Highest(bits)));
            Assert.All(now.Scales, scale => Assert.True(scale > 0 && float.IsFinite(scale)));
            Assert.NotEqual(start.Scales, now.Scales);
            if (KernelPairs.Of(start.Layer, bits) is { } pairs)
            {
                sbyte[] limited = [.. now.Codes];
                new LayerRows(start.Layer, new float[now.Codes.Length]).Limit(pairs, limited);
                Assert.Equal(limited, now.Codes);
            }
        }
    }, iter: 20);

    /// <summary>A code goes where its gradient pushes, a scale where the sum over its codes does.</summary>
    [Fact]
    public void GoesDownhill()
    {
        var start = Harness.Candidates(Network, 4).Items[0];
        var layer = Layer(start, out var state);
        float[] before = [.. state.Codes.Values];
        float[] gradient = [.. start.Codes.Select((code, i) => i % 2 == 0 ? code : 0f)];
        layer.Step(start, [.. gradient], [], 1, 1);
        for (int i = 0; i < before.Length; i++)
        {
            Assert.Equal(-Math.Sign(gradient[i]), Math.Sign(state.Codes.Values[i] - before[i]));
        }
        // Every channel has a code that is pushed towards zero.
        Assert.All(state.Scales.Values, log => Assert.True(log < 0));
    }

    [Fact]
    public void AdamIsThatOfThePaper() => Gen.Select(Gen.Float[-3, 3].Array[1, 40], Gen.Int[0, 1 << 20]).Sample((scales, seed) =>
    {
        var random = new Random(seed);
        int n = scales.Length;
        float[] mean = new float[n], square = new float[n];
        double[] m = new double[n], v = new double[n];
        var adam = new AdamOptimizer(mean, square);
        for (int t = 1; t <= 20; t++)
        {
            float[] gradient = [.. scales.Select(s => MathF.Pow(10, s) * ((2 * random.NextSingle()) - 1))];
            float[] step = [.. gradient];
            adam.Step(step, t);
            for (int i = 0; i < n; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * gradient[i]);
                v[i] = (0.999 * v[i]) + (0.001 * gradient[i] * gradient[i]);
                double expected = m[i] / (1 - Math.Pow(0.9, t)) / Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t)));
                Assert.Equal(expected, step[i], 1e-3);
            }
        }
    }, iter: 50);

    private static TunedLayer Layer(Candidate start, out LayerState state)
    {
        var weights = TensorData.ReadSingles(Network.File, Network.Initializers[start.Layer.Weight]);
        state = TunedLayer.Begin(start, weights);
        return new TunedLayer(start, state, weights);
    }

    private static Candidate WithBias(Candidate candidate) => candidate.Layer.Bias is { } bias
        ? candidate with { Bias = TensorData.ReadSingles(Network.File, Network.Initializers[bias]) }
        : candidate;
}
