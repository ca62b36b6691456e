using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of products of matrices, attention and normalizations.</summary>
public class ProductTests
{
    private static readonly Gen<(int Seed, long[] Batch, bool[] Shared, long Rows, long Inner, long Columns)> Matrices =
        Gen.Select(Gen.Int[1, 1 << 20], Gen.Long[1, 3].Array[0, 2], Gen.Bool.Array[3], Gen.Long[1, 4], Gen.Long[1, 4], Gen.Long[1, 4]);

    /// <summary>Batches broadcast on either side; either operand may be the constant one.</summary>
    [Fact]
    public void Products() => Matrices.Sample(
        m =>
        {
            var net = new NetworkBuilder(m.Seed, input: [.. m.Batch, m.Rows, m.Inner]);
            long[] batch = [.. m.Batch.Zip(m.Shared, (dim, one) => one ? 1 : dim).Skip(m.Seed % 2)];
            net.Weight("w", [.. batch, m.Inner, m.Columns]);
            net.Weight("v", [.. batch, m.Columns, m.Rows]);
            net.Add("MatMul", ["x", "w"], "y").Add("MatMul", ["v", "x"], "z");
            Differences.Check(net.Build("y", "z"), ["w", "v"], 0.3, m.Seed);
        },
        iter: 40);

    [Fact]
    public void ProductsOfTwoActivations()
    {
        var net = new NetworkBuilder(1, input: [2, 3, 3]);
        net.Add("Transpose", ["x"], "t", Attribute("perm", 0, 1, 3, 2)).Add("MatMul", ["x", "t"], "y");
        Differences.Check(net.Build(), [], 0.1);
    }

    [Fact]
    public void ProductsWithVectors()
    {
        var net = new NetworkBuilder(1, input: [2, 3]);
        net.Weight("right", 3);
        net.Weight("left", 2);
        net.Add("MatMul", ["x", "right"], "y").Add("MatMul", ["left", "x"], "z");
        Differences.Check(net.Build("y", "z"), ["right", "left"], 0.3);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    public void Gemm(int turnsA, int turnsB)
    {
        var net = new NetworkBuilder(1, input: [5]);
        net.Weight("w", turnsB == 1 ? [4, 5] : [5, 4]);
        net.Weight("c", 4);
        var attributes = new[]
        {
            Attribute("transB", turnsB), Attribute("transA", turnsA), ElementwiseTests.Float("alpha", 0.7f),
            ElementwiseTests.Float("beta", 1.3f),
        };
        if (turnsA == 1)
        {
            net.Then("Transpose", "t", null, Attribute("perm", 1, 0));
        }
        net.Then("Gemm", "y", ["w", "c"], attributes);
        Differences.Check(net.Build(), ["w", "c"], 0.3);
    }

    [Theory]
    [InlineData("nij,jk->nik", 3, 4)]
    [InlineData("nij,kj->nik", 4, 3)]
    [InlineData("...ij,jk->...ik", 3, 4)]
    [InlineData("nij,jk->nk", 3, 4)]
    [InlineData("nij,kj->ni", 4, 3)]
    [InlineData("nij,ij->n", 2, 3)]
    [InlineData("nij,ij->nij", 2, 3)]
    [InlineData("nij,jk", 3, 4)]
    public void SumsOfProducts(string equation, int rows, int columns)
    {
        var net = new NetworkBuilder(1, input: [2, 3]);
        net.Weight("w", rows, columns);
        // Not of a constant: that is a MatMul as soon as it is read.
        net.Add("Relu", ["x"], "r").Add("Sub", ["r", "r"], "zeros").Add("ReduceSum", ["zeros"], "zero", Attribute("keepdims", 0));
        net.Add("Add", ["w", "zero"], "v").Add("Einsum", ["x", "v"], "y", Attribute("equation", equation));
        Differences.Check(net.Build(), ["w"], 0.3);
    }

    [Theory]
    [InlineData("LayerNormalization", -1)]
    [InlineData("LayerNormalization", 2)]
    [InlineData("RMSNormalization", -1)]
    [InlineData("RMSNormalization", 2)]
    public void NormalizationsOfRows(string op, int axis)
    {
        var net = new NetworkBuilder(1, input: [3, 4, 5]);
        long[] shape = axis == -1 ? [5] : [4, 5];
        net.Weight("scale", shape);
        net.Weight("bias", shape);
        net.Then(op, "y", op[0] == 'L' ? ["scale", "bias"] : ["scale"], Attribute("axis", axis), ElementwiseTests.Float("epsilon", 0.1f));
        Differences.Check(net.Build(), op[0] == 'L' ? ["scale", "bias"] : ["scale"]);
    }

    [Theory]
    [InlineData("BatchNormalization")]
    [InlineData("InstanceNormalization")]
    [InlineData("GroupNormalization")]
    public void NormalizationsOfChannels(string op)
    {
        var net = new NetworkBuilder(1, input: [6, 3, 4]);
        net.Weight("scale", 6);
        net.Weight("bias", 6);
        net.Weight("mean", 6);
        net.Model.Graph.Initializer.Add(TensorData.Singles("variance", [0.5f, 1, 1.5f, 2, 1, 0.7f], 6));
        // Sigmoid keeps batch normalization apart: it would be folded.
        net.Then("Sigmoid", "s");
        string[] more = op[0] == 'B' ? ["mean", "variance"] : [];
        AttributeProto[] groups = op[0] == 'G' ? [Attribute("num_groups", 3)] : [];
        net.Then(op, "y", ["scale", "bias", .. more], [ElementwiseTests.Float("epsilon", 0.01f), .. groups]);
        Differences.Check(net.Build(), ["scale", "bias", .. more]);
    }

    [Theory]
    [InlineData(1, -1)]
    [InlineData(2, -1)]
    [InlineData(2, 1)]
    public void NormsOfOne(int p, int axis) => Differences.Check(new NetworkBuilder(1, input: [3, 4]).Then("LpNormalization", "y", null,
        Attribute("p", p), Attribute("axis", axis)).Build(), [], values: Differences.BesideKinks);

    [Fact]
    public void MeanAndVariance() => Differences.Check(new NetworkBuilder(1, input: [3, 4, 2]).Then("MeanVarianceNormalization", "y", null,
        Attribute("axes", 2, 3)).Build(), []);

    public static TheoryData<string, string[]> Attentions => new()
    {
        { "4d", [] },
        { "4d", ["causal"] },
        { "4d", ["cap"] },
        { "4d", ["mask"] },
        { "4d", ["truth"] },
        { "4d", ["cap", "mask", "causal", "scale"] },
        { "shared", [] },
        { "3d", [] },
        { "3d shared", ["mask"] },
    };

    [Theory]
    [MemberData(nameof(Attentions))]
    public void Attention(string form, string[] options)
    {
        bool isFlat = form.StartsWith("3d", StringComparison.Ordinal);
        long heads = 4, shared = form.EndsWith("shared", StringComparison.Ordinal) ? 2 : 4;
        var net = new NetworkBuilder(1, input: isFlat ? [5, 12] : [heads, 5, 3]);
        long[] own = isFlat ? [1, 6, shared * 3] : [1, shared, 6, 3];
        net.Weight("k0", own);
        net.Weight("v0", own);
        net.Model.Graph.Initializer.Add(TensorData.Create("truth", TensorProto.Types.DataType.Bool,
            [.. Enumerable.Range(0, 30).Select(i => (byte)(i % 4 == 0 ? 0 : 1))], 5, 6));
        net.Weight("mask", 5, 6);
        // Keys and values for every image.
        net.Model.Graph.Initializer.Add(TensorData.Singles("zero", [0]));
        net.Model.Graph.Initializer.Add(TensorData.Integers("axes", isFlat ? [1, 2] : [1, 2, 3], isFlat ? 2 : 3));
        net.Add("ReduceMean", ["x", "axes"], "m").Add("Mul", ["m", "m"], "m2");
        net.Add("Add", ["k0", "m2"], "k").Add("Add", ["v0", "m2"], "v");
        var mask = options.FirstOrDefault(o => o is "mask" or "truth") ?? "";
        net.Add("Attention", ["x", "k", "v", mask], "y",
        [
            .. isFlat ? [Attribute("q_num_heads", heads), Attribute("kv_num_heads", shared)] : Array.Empty<AttributeProto>(),
            .. options.Contains("causal") ? [Attribute("is_causal", 1)] : Array.Empty<AttributeProto>(),
            .. options.Contains("cap") ? [ElementwiseTests.Float("softcap", 0.8f)] : Array.Empty<AttributeProto>(),
            .. options.Contains("scale") ? [ElementwiseTests.Float("scale", 0.9f)] : Array.Empty<AttributeProto>(),
        ]);
        Differences.Check(net.Build(), ["k0", "v0"]);
    }
}
