using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Onnx;

public class OpsetUpgradeTests
{
    /// <summary>Small networks in the form of an old opset, and what they show.</summary>
    public static TheoryData<string, int> Cases() => new()
    {
        { "clip", 6 + 1 }, { "clip", 10 }, { "pad", 10 }, { "squeeze", 11 }, { "unsqueeze", 11 },
        { "split", 11 }, { "split", 13 }, { "split", 17 },
        { "softmax", 11 }, { "softmax-inner", 9 }, { "slice", 9 }, { "slice", 11 },
        { "reducemean", 11 }, { "reducemean", 17 }, { "reducesum", 11 },
        { "upsample", 7 }, { "upsample", 9 }, { "resize", 10 }, { "dropout", 7 }, { "batchnorm", 7 },
        { "batchnorm", 9 }, { "conv", 7 }, { "topk", 9 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void OutputsStayTheSame(string what, int opset)
    {
        var model = Old(what, opset);
        foreach (int wanted in (int[])[OpsetUpgrade.TargetOpset, OpsetUpgrade.EarlierOpset])
        {
            var raised = OpsetUpgrade.Apply(model, "old.onnx", wanted);
            Assert.Equal(wanted, raised.Opset());
            // The runtime may take another kernel for the same sum.
            var (before, after) = (Harness.Outputs(model), Harness.Outputs(raised));
            Assert.Equal(before.Length, after.Length);
            Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
            Assert.Equal(opset, model.Opset());
        }
    }

    [Fact]
    public void UnknownOperatorIsNamed()
    {
        var model = new NetworkBuilder(opset: 17).Then("Frobnicate", "y").Build();
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx"));
        Assert.Contains("operator Frobnicate", error.Message, StringComparison.Ordinal);
        Assert.Equal("frobnicate_y", error.Node);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(26)]
    public void OpsetsOutOfRangeAreRefused(int opset) =>
        Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(new NetworkBuilder(opset: opset).Then("Relu", "y").Build(), "m.onnx"));

    /// <summary>ONNX Runtime has kernels for these operators up to opset 21 only; the file is written for that.</summary>
    [Theory]
    [InlineData("RoiAlign x p:1,4 i:0 output_height=2 output_width=2")]
    [InlineData("MaxRoiPool x w:1,5 pooled_shape=[2,2]")]
    public void OperatorsWithoutALaterKernelKeepTheEarlierOpset(string form)
    {
        var model = OperatorForms.Build(form, opset: 16, isHidden: false);
        Assert.Equal(OpsetUpgrade.EarlierOpset, OpsetUpgrade.Apply(model, "m.onnx").Opset());
    }

    [Fact]
    public void ALaterModelCannotBeWrittenForAnEarlierOpset()
    {
        var model = new NetworkBuilder(opset: 23).Then("Relu", "y").Build();
        Assert.Equal(25, OpsetUpgrade.Apply(model, "m.onnx").Opset());
        var error = Assert.Throws<OnnxFormatException>(() => OpsetUpgrade.Apply(model, "m.onnx", OpsetUpgrade.EarlierOpset));
        Assert.Contains("is of opset 23, later than the 21", error.Message, StringComparison.Ordinal);
    }

    private static ModelProto Old(string what, int opset)
    {
        var net = new NetworkBuilder(opset: opset);
        var graph = net.Model.Graph;
        string Integers(string name, params long[] values)
        {
            graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
            return name;
        }

        string Floats(string name, params float[] values)
        {
            graph.Initializer.Add(TensorData.Singles(name, values, values.Length));
            return name;
        }

        AttributeProto Real(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };
        AttributeProto Reals(string name, params float[] values)
        {
            var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Floats };
            attribute.Floats.Add(values);
            return attribute;
        }

        return what switch
        {
            "clip" => net.Then("Clip", "y", null, Real("max", 0.25f)).Build(),
            "pad" => net.Then("Pad", "y", null, Attribute("pads", 0, 0, 1, 2, 0, 0, 3, 0), Real("value", 0.5f)).Build(),
            "squeeze" => net.Then("GlobalAveragePool", "p").Then("Squeeze", "y", null, Attribute("axes", 2, 3)).Build(),
            "unsqueeze" => net.Then("Unsqueeze", "y", null, Attribute("axes", 0, 3)).Build(),
            "split" when opset < 13 => Two(net, "Split", [net.Last], Attribute("axis", 2), Attribute("split", 3, 5)),
            "split" => Two(net, "Split", [net.Last], Attribute("axis", 2)),
            "softmax" => net.Then("Softmax", "y", null, Attribute("axis", 3)).Build(),
            "softmax-inner" => net.Then("Softmax", "y", null, Attribute("axis", 1)).Build(),
            "slice" when opset < 10 => net
                .Then("Slice", "y", null, Attribute("axes", 1, 3), Attribute("starts", 1, 2), Attribute("ends", 3, 7)).Build(),
            "slice" => net.Then("Slice", "y", [Integers("s", 1, 2), Integers("e", 3, 7), Integers("a", 1, 3)]).Build(),
            "reducemean" => net.Then("ReduceMean", "y", null, Attribute("axes", 2, 3), Attribute("keepdims", 0)).Build(),
            "reducesum" => net.Then("ReduceSum", "y", null, Attribute("axes", 1, 3)).Build(),
            "upsample" when opset < 9 => net.Then("Upsample", "y", null, Reals("scales", 1, 1, 2, 3), Attribute("mode", "nearest")).Build(),
            "upsample" => net.Then("Upsample", "y", [Floats("scales", 1, 1, 2, 3)], Attribute("mode", "nearest")).Build(),
            "resize" => net.Then("Resize", "y", [Floats("scales", 1, 1, 2, 1.5f)], Attribute("mode", "linear")).Build(),
            "dropout" => net.Then("Dropout", "d", null, Real("ratio", 0.5f)).Then("Relu", "y").Build(),
            "batchnorm" => net.Then("BatchNormalization", "y",
                [Floats("g", 1, 2, 3), Floats("b", 0, 1, 2), Floats("m", .1f, .2f, .3f), Floats("v", 1, 2, 3)],
                Real("epsilon", 1e-3f), Real("momentum", 0.9f)).Build(),
            "conv" => net.Then("Conv", "y", [net.Weight("w", 4, 3, 3, 3)], Attribute("pads", 0, 1, 2, 1), Attribute("dilations", 2, 1))
                .Build(),
            "topk" => Two(net, "TopK", [net.Last], Attribute("axis", 3), Attribute("k", 3)),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };
    }

    private static ModelProto Two(NetworkBuilder net, string op, string[] inputs, params AttributeProto[] attributes)
    {
        net.Add(op, inputs, "y", attributes);
        net.Model.Graph.Node[^1].Output.Add("z");
        return op == "TopK" ? net.Build("y") : net.Build("y", "z");
    }
}
