using Clado.Candidates;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Packing;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Export;

/// <summary>The bytes told by arithmetic are those of the tensors and the call that are packed, to the byte.</summary>
public class WeightSizeTests
{
    // Lengths of 128 and 16,384 are where a number of protobuf takes another byte.
    private static readonly Gen<long> Dim = Gen.Frequency((4, Gen.Long[1, 9]), (1, Gen.Long[126, 130]));

    private static readonly Gen<long[]> Shape = Gen.OneOf(
        Dim.Array[2],
        Gen.Select(Dim, Gen.Long[1, 5], Gen.Long[1, 3], Gen.Long[1, 3], (a, b, c, d) => new[] { a, b, c, d }),
        Gen.Long[1, 4].Array[3, 6],
        Gen.Long[16_380, 16_390].Select(length => new[] { 1L, length }));

    private static readonly Gen<string> Name = Gen.OneOf(
        Gen.Char['a', 'z'].Array[1, 12], Gen.Char['ä', 'ж'].Array[60, 70], Gen.Char['A', 'Z'].Array[120, 130])
        .Select(letters => new string(letters));

    private static readonly Gen<int> Opset = OneOf(OpsetUpgrade.EarlierOpset, OpsetUpgrade.TargetOpset);

    private static readonly Gen<QuantizableLayer> Layer = Gen.Select(
        Gen.OneOf(Gen.Int[0, 200], Gen.Int[99_990, 100_010]), Name, Shape, Gen.Int[0, 2], OneOf("Conv", "ConvTranspose", "Gemm", "MatMul"),
        (index, name, shape, axis, op) => new QuantizableLayer
        {
            Index = index,
            Name = name,
            Op = op,
            Weight = name,
            Nodes = [0],
            Shape = shape,
            // A weight shared along two axes has one scale, and no axis.
            ChannelAxis = axis == 2 ? null : axis,
            Groups = 1,
            Macs = 1,
        });

    [Fact]
    public void BytesAreThoseOfWhatIsPacked()
    {
        TensorNames[] names = [Names("w"), Names("s0"), Names("_q12")];
        Gen.Select(Layer, Gen.Int[2, 8], Opset, OneOf(names))
            .Sample((layer, bits, opset, own) => Packed(layer, bits, own, opset) == WeightSize.Of(layer, bits, own, opset), iter: 2000);
    }

    /// <summary>Bits of every width lie in planes that do not overlap and leave none out.</summary>
    [Fact]
    public void PlanesHoldEveryBitOnce() => Gen.Select(Gen.Int[2, 8], Opset).Sample((bits, opset) =>
    {
        int next = 0;
        foreach (var plane in WeightLayout.Of(bits, opset).Planes)
        {
            Assert.Equal(next, plane.Shift);
            next += plane.Width;
        }
        Assert.Equal(bits, next);
    });

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static long Packed(QuantizableLayer layer, int bits, TensorNames names, int opset)
    {
        var candidate = new Candidate
        {
            Layer = layer,
            Bits = bits,
            Codes = new sbyte[layer.Parameters],
            Scales = new float[layer.ChannelCount],
            SizeBytes = 0,
            SquaredError = 0,
        };
        var encoded = WeightEncoding.Encode(candidate, names, opset);
        var graph = new GraphProto { Node = { encoded.Nodes } };
        graph.Initializer.Add(encoded.Initializers);
        return graph.ToByteArray().Length;
    }

    private static TensorNames Names(string weight)
    {
        var net = new NetworkBuilder(input: [4]);
        net.Weight(weight, 4, 5);
        return new TensorNames(net.Then("MatMul", "y", [weight]).BuildGraph());
    }
}
