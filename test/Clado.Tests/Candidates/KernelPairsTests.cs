using Clado.Calibration;
using Clado.Layers;
using Clado.Rounding;
using CsCheck;
using Xunit;

namespace Clado.Tests.Candidates;

/// <summary>Sums of two products of any 8-bit activations fit in 16 bits, whatever rounds.</summary>
public class KernelPairsTests
{
    private static readonly Gen<(int Outputs, int Inputs, int Side, int Seed)> Layers =
        Gen.Select(Gen.Int[1, 6], Gen.Int[1, 9], Gen.Int[1, 3], Gen.Int[0, 1 << 30]);

    [Fact]
    public void WhateverRoundsNoPairOverflows() => Layers.Sample(shape =>
    {
        var random = new Random(shape.Seed);
        var layer = Convolution(shape.Outputs, shape.Inputs, shape.Side);
        int columns = shape.Inputs * shape.Side * shape.Side;
        // Neighbours of one sign, so that there is something to keep.
        float[] weights = [.. Enumerable.Range(0, (int)layer.Parameters).Select(_ => (random.NextSingle() * random.NextSingle()) - 0.1f)];
        var inputs = Statistics(random, columns);
        foreach (var rounding in (IRounding[])[new NearestRounding(), new FeedbackRounding(), new GpfqRounding()])
        {
            var codes = rounding.Round(layer, weights, [7, 8], inputs, 1)[1].Codes;
            for (int output = 0; output < shape.Outputs; output++)
            {
                var row = InKernelOrder(codes.AsSpan(output * columns, columns), shape.Inputs, shape.Side);
                foreach (var (first, second) in row.Zip(row.Skip(1)))
                {
                    Assert.InRange((255 * first) + (255 * second), short.MinValue, short.MaxValue);
                }
            }
        }
    }, iter: 300);

    [Fact]
    public void DepthwiseCodesMayBeAsLargeAsTheyCome()
    {
        var layer = Convolution(4, 1, 3) with { Groups = 4 };
        var codes = new NearestRounding().Round(layer, Enumerable.Repeat(1f, 36).ToArray(), [8], null, 1)[0].Codes;
        Assert.All(codes, code => Assert.True(code > 100));
    }

    /// <summary>A channel with one large weight, as there are in mobile networks, loses nothing.</summary>
    [Fact]
    public void OneLargeWeightKeepsItsStep()
    {
        float[] weights = [.. Enumerable.Range(0, 64).Select(i => i == 20 ? 1 : 0.001f * (i % 5))];
        var layer = Convolution(1, 64, 1);
        var (codes, scales) = new NearestRounding().Round(layer, weights, [8], null, 1)[0];
        Assert.Equal(127, codes[20], tolerance: 1);
        Assert.InRange(scales[0], 0, 1.02f / 127);
    }

    [Fact]
    public void LimitingTakesOnlyWhatIsTooMuch()
    {
        var pairs = KernelPairs.Of(Convolution(1, 5, 1), 8)!;
        sbyte[] row = [100, 28, 120, -120, -30];
        Assert.True(pairs.Limit(row));
        Assert.Equal([100, 28, 100, -98, -30], row);
        Assert.False(pairs.Limit(row));
        Assert.Null(KernelPairs.Of(Convolution(1, 5, 1), 7));
    }

    /// <summary>Kernel elements one after the other, all input channels at each.</summary>
    private static int[] InKernelOrder(ReadOnlySpan<sbyte> row, int inputs, int side)
    {
        var ordered = new List<int>();
        for (int tap = 0; tap < side * side; tap++)
        {
            for (int input = 0; input < inputs; input++)
            {
                ordered.Add(row[(input * side * side) + tap]);
            }
        }
        return [.. ordered];
    }

    private static InputStatistics Statistics(Random random, int columns)
    {
        var gram = new float[columns * columns];
        for (int n = 0; n < 2 * columns; n++)
        {
            float[] x = [.. Enumerable.Range(0, columns).Select(_ => random.NextSingle())];
            for (int i = 0; i < gram.Length; i++)
            {
                gram[i] += x[i / columns] * x[i % columns] / (2 * columns);
            }
        }
        return new InputStatistics(columns, 2 * columns, [gram]);
    }

    private static QuantizableLayer Convolution(int outputs, int inputs, int side) => new()
    {
        Index = 0,
        Name = "l",
        Op = "Conv",
        Weight = "w",
        Nodes = [0],
        Shape = [outputs, inputs, side, side],
        ChannelAxis = 0,
        Groups = 1,
        Macs = 1,
    };
}
