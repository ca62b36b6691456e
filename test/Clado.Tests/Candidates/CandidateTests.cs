using Clado.Layers;
using Clado.Onnx;
using Clado.Packing;
using Clado.Rounding;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Candidates;

public class CandidateTests
{
    private static readonly Gen<(float[] Weights, int Bits)> Channels =
        Gen.Select(Gen.Float[-3, 3].Array[1, 40], Gen.Int[2, 8], (weights, bits) => (weights, bits));

    [Fact]
    public void CodesAreInRangeAndNearest() => Channels.Sample(c =>
    {
        var (codes, scales) = Round(Layer(c.Weights.Length), c.Weights, c.Bits);
        for (int i = 0; i < codes.Length; i++)
        {
            Assert.InRange(codes[i], Grid.Lowest(c.Bits), Grid.Highest(c.Bits));
            // No other code of the grid is nearer, but for the rounding of the quotient: 2^-24 of up to 128.
            for (int other = Grid.Lowest(c.Bits); other <= Grid.Highest(c.Bits); other++)
            {
                double own = Math.Abs(c.Weights[i] - ((double)codes[i] * scales[0]));
                Assert.True(own <= Math.Abs(c.Weights[i] - ((double)other * scales[0])) + (1e-5 * scales[0]));
            }
        }
    });

    [Fact]
    public void RoundingIsIdempotentInCodes() => Channels.Sample(c =>
    {
        var (codes, scales) = Round(Layer(c.Weights.Length), c.Weights, c.Bits);
        var again = codes.Select(q => (sbyte)NearestRounding.Code(q * scales[0], scales[0], c.Bits));
        Assert.Equal(codes, again);
    });

    [Fact]
    public void ScaleIsTheBestOfTheSearch() => Channels.Sample(c =>
    {
        float largest = c.Weights.Max(Math.Abs);
        // Codes of 8 bits may need a larger one (KernelPairsTests).
        if (largest < 1e-3f || c.Bits == 8)
        {
            return;
        }
        var (_, scales) = Round(Layer(c.Weights.Length), c.Weights, c.Bits);
        double best = NearestRounding.SquaredError(c.Weights, scales[0], c.Bits);
        for (int step = 0; step < 81; step += 5)
        {
            float scale = largest * (1.2f - (0.0125f * step)) / Grid.Highest(c.Bits);
            Assert.True(best <= NearestRounding.SquaredError(c.Weights, scale, c.Bits));
        }
    });

    [Fact]
    public void PackedPlanesHoldEveryCode() =>
        Gen.Select(Gen.Int[2, 8], Gen.SByte.Array[1, 40]).Sample((bits, raw) =>
        {
            sbyte[] codes = [.. raw.Select(c => (sbyte)Math.Clamp((int)c, Grid.Lowest(bits), Grid.Highest(bits)))];
            int offset = 1 << (bits - 1);
            int[] widths = bits switch { 2 => [2], 3 => [2, 1], 4 => [4], 5 => [4, 1], 6 => [4, 2], 7 => [4, 2, 1], _ => [4, 4] };
            var unsigned = new int[codes.Length];
            int shift = 0;
            foreach (int width in widths)
            {
                var packed = new CodePlane(shift, width, TensorProto.Types.DataType.Uint8).Pack(codes, offset);
                Assert.Equal(((codes.Length * width) + 7) / 8, packed.Length);
                for (int i = 0; i < codes.Length; i++)
                {
                    unsigned[i] += (packed[i * width / 8] >> (i * width % 8) & ((1 << width) - 1)) << shift;
                }
                shift += width;
            }
            Assert.Equal(codes, unsigned.Select(u => (sbyte)(u - offset)));
        });

    [Fact]
    public void ZeroWeightsGiveZeroCodesAndNanIsLocated()
    {
        var (codes, scales) = Round(Layer(4), new float[4], 3);
        Assert.Equal(new sbyte[4], codes);
        Assert.Equal([1f], scales);
        var net = NetworkBuilder.SmallClassifier();
        net.Build();
        net.Model.Graph.Initializer[1] = TensorData.Singles("w2", [.. Enumerable.Repeat(float.NaN, 576)], 8, 8, 3, 3);
        var graph = Clado.Graphs.Graph.FromModel(net.Model, "m.onnx");
        var error = Assert.Throws<OnnxFormatException>(() => Harness.Candidates(graph, 4));
        Assert.Equal(("conv_c2", "w2"), (error.Node, error.Tensor));
    }

    private static RoundedWeights Round(QuantizableLayer layer, float[] weights, int bits) =>
        new NearestRounding().Round(layer, weights, [bits], null, 2)[0];

    private static QuantizableLayer Layer(int count) => new()
    {
        Index = 0,
        Name = "l",
        Op = "Gemm",
        Weight = "w",
        Nodes = [0],
        Shape = [1, count],
        ChannelAxis = 0,
        Groups = 1,
        Macs = count,
    };
}
