using Clado.Onnx;
using Clado.Tests.Support;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Gradients;

/// <summary>Rules of convolutions: of any rank, groups, strides, dilations and pads.</summary>
public class ConvolutionTests
{
    private sealed record Form(int Seed, int Rank, long Groups, long Inputs, long Outputs, long[] Sizes, long[] Kernel)
    {
        public long[] Strides { get; init; } = [];

        public long[] Dilations { get; init; } = [];

        public long[] Pads { get; init; } = [];

        public string AutoPad { get; init; } = "NOTSET";

        public override string ToString() =>
            $"{Groups} groups, {Inputs}→{Outputs}, {string.Join('×', Sizes)} by {string.Join('×', Kernel)}, "
            + $"strides {string.Join(' ', Strides)}, dilations {string.Join(' ', Dilations)}, pads {string.Join(' ', Pads)}, {AutoPad}";
    }

    private static readonly Gen<Form> Forms =
        from seed in Gen.Int[1, 1 << 20]
        from rank in Gen.Frequency((1, Gen.Const(1)), (4, Gen.Const(2)), (1, Gen.Const(3)))
        from groups in Gen.Long[1, 3]
        from inputs in Gen.Long[1, 3]
        from outputs in Gen.Long[1, 3]
        from depthwise in Gen.Bool
        from sizes in Gen.Long[5, 8].Array[rank]
        from kernel in Gen.Long[1, 3].Array[rank]
        from strides in Gen.Long[1, 3].Array[rank]
        from dilations in Gen.Long[1, 2].Array[rank]
        from pads in Gen.Long[0, 2].Array[2 * rank]
        from simple in Gen.Bool
        from automatic in Gen.Frequency(
            (5, Gen.Const("NOTSET")), (1, Gen.Const("SAME_UPPER")), (1, Gen.Const("SAME_LOWER")), (1, Gen.Const("VALID")))
        select new Form(seed, rank, groups, depthwise ? groups : inputs * groups, depthwise ? groups : outputs * groups, sizes, kernel)
        {
            Strides = simple ? [.. strides.Select(_ => 1L)] : strides,
            // ONNX Runtime has no automatic pads for dilated windows.
            Dilations = automatic == "NOTSET" ? dilations : [.. dilations.Select(_ => 1L)],
            Pads = pads,
            AutoPad = automatic,
        };

    /// <summary>
    /// Gradients by input, weight and bias. The model is linear in each, so that a long step of the difference loses nothing: what is left
    /// is of third order and taken off.
    /// </summary>
    [Fact]
    public void Convolutions() => Forms.Sample(
        form =>
        {
            var net = new NetworkBuilder(form.Seed, input: [form.Inputs, .. form.Sizes]);
            net.Weight("w", [form.Outputs, form.Inputs / form.Groups, .. form.Kernel]);
            net.Weight("b", form.Outputs);
            net.Add("Conv", ["x", "w", "b"], "y", Attributes(form));
            Differences.Check(net.Build(), ["w", "b"], 0.5, form.Seed);
        },
        iter: 60);

    [Fact]
    public void TransposedConvolutions() => Gen.Select(Forms, Gen.Long[0, 2].Array[3]).Sample(
        (form, more) =>
        {
            var net = new NetworkBuilder(form.Seed, input: [form.Inputs, .. form.Sizes]);
            net.Weight("w", [form.Inputs, form.Outputs / form.Groups, .. form.Kernel]);
            net.Weight("b", form.Outputs);
            long[] padding = [.. form.Strides.Select((stride, axis) => Math.Min(more[axis], stride - 1))];
            net.Add("ConvTranspose", ["x", "w", "b"], "y", [.. Attributes(form with { Pads = [.. form.Pads.Select(p => Math.Min(p, 1))] }),
                .. form.AutoPad == "NOTSET" ? [Attribute("output_padding", padding)] : Array.Empty<AttributeProto>()]);
            Differences.Check(net.Build(), ["w", "b"], 0.5, form.Seed);
        },
        iter: 60);

    [Theory]
    [InlineData("NOTSET")]
    [InlineData("SAME_UPPER")]
    [InlineData("SAME_LOWER")]
    public void TransposedConvolutionsOfAGivenSize(string automatic)
    {
        foreach (long size in new long[] { 10, 11, 12 })
        {
            var net = new NetworkBuilder(1, input: [2, 5, 5]);
            net.Weight("w", 2, 3, 3, 3);
            net.Add("ConvTranspose", ["x", "w"], "y", Attribute("strides", 2, 2), Attribute("output_shape", size, size),
                Attribute("auto_pad", automatic));
            Differences.Check(net.Build(), ["w"], 0.5);
        }
    }

    [Theory]
    [InlineData("AveragePool")]
    [InlineData("MaxPool")]
    [InlineData("LpPool")]
    public void Pools(string op) => Gen.Select(Forms, Gen.Bool, Gen.Bool, Gen.Int[1, 3]).Sample(
        (form, countsPads, roundsUp, power) =>
        {
            long channels = Math.Min(form.Inputs, op == "MaxPool" ? 2 : 3);
            long[] sizes = [.. form.Sizes.Take(op == "MaxPool" ? 2 : 3)], kernel = [.. form.Kernel.Take(sizes.Length)];
            var net = new NetworkBuilder(form.Seed, input: [channels, .. sizes]);
            // Pads are smaller than the window.
            long[] pads = [.. form.Pads.Take(2 * sizes.Length).Select((pad, i) => Math.Min(pad, kernel[i % kernel.Length] - 1))];
            var attributes = new List<AttributeProto>
            {
                Attribute("kernel_shape", kernel),
                // With automatic pads ONNX Runtime has no steps longer than the window.
                Attribute("strides", [.. form.Strides.Take(sizes.Length).Select((stride, i) => form.AutoPad == "NOTSET"
                    ? stride : Math.Min(stride, kernel[i]))]),
                Attribute("ceil_mode", roundsUp && form.AutoPad == "NOTSET" ? 1 : 0), Attribute("auto_pad", form.AutoPad),
                Attribute("dilations", [.. form.Dilations.Take(sizes.Length)]),
            };
            attributes.AddRange(form.AutoPad == "NOTSET" ? [Attribute("pads", pads)] : []);
            attributes.AddRange(op == "AveragePool" ? [Attribute("count_include_pad", countsPads ? 1 : 0)] : []);
            attributes.AddRange(op == "LpPool" ? [Attribute("p", power)] : []);
            net.Add(op, ["x"], "y", [.. attributes]);
            Differences.Check(net.Build(), [], op switch { "AveragePool" => null, "MaxPool" => 0.02, _ => 0.05 }, form.Seed,
                op switch { "AveragePool" => null, "MaxPool" => Differences.Apart, _ => Differences.BesideKinks });
        },
        iter: 40);

    [Theory]
    [InlineData("GlobalAveragePool")]
    [InlineData("GlobalMaxPool")]
    public void PoolsOfAll(string op)
    {
        foreach (long[] input in new[] { [3, 7], [2, 3, 5], new long[] { 2, 3, 2, 2 } })
        {
            Differences.Check(
                new NetworkBuilder(1, input: input).Then(op, "y").Build(), [], op == "GlobalAveragePool" ? null : 0.02,
                values: Differences.Apart);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void LocalResponses(int size) => Differences.Check(new NetworkBuilder(1, input: [6, 3, 2]).Then("LRN", "y", null,
        Attribute("size", size), ElementwiseTests.Float("alpha", 0.5f), ElementwiseTests.Float("beta", 0.6f),
        ElementwiseTests.Float("bias", 1.5f)).Build(), []);

    private static AttributeProto[] Attributes(Form form) =>
    [
        Attribute("group", form.Groups), Attribute("strides", form.Strides), Attribute("dilations", form.Dilations),
        Attribute("auto_pad", form.AutoPad), .. form.AutoPad == "NOTSET" ? [Attribute("pads", form.Pads)] : Array.Empty<AttributeProto>(),
    ];
}
