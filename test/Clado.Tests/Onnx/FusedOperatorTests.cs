using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Onnx;

/// <summary>What ONNX Runtime's optimizer fused is taken apart into what it runs the same, and its weights are layers.</summary>
public class FusedOperatorTests
{
    // Sums in another order.
    private const double Same = 2e-6;

    /// <summary>
    /// The operator, the shape of the image, its inputs (a shape of a weight; <c>x</c> the image, <c>_</c> an absent one), its attributes
    /// (<c>name=text</c>, <c>name:floats</c>, <c>name#integers</c>), and how many layers are found.
    /// </summary>
    public static TheoryData<string, string, string, string, int> Forms() => new()
    {
        { "FusedConv", "3,8,8", "x 4,3,3,3", "", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=Relu pads#1,1,1,1 strides#2,2", 1 },
        { "FusedConv", "4,8,8", "x 4,1,3,3 4 x", "activation=Relu pads#1,1,1,1 group#4", 1 },
        { "FusedConv", "4,8,8", "x 4,4,3,3 _ x", "pads#1,1,1,1", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=Clip activation_params:-0.2,0.3", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=LeakyRelu activation_params:0.2", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=HardSigmoid activation_params:0.3,0.4", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=Sigmoid", 1 },
        { "FusedConv", "3,8,8", "x 4,3,3,3 4", "activation=Tanh dilations#2,2", 1 },
        { "FusedGemm", "12", "x 5,12 5", "transB#1 activation=Relu", 1 },
        { "FusedGemm", "12", "x 12,5 5", "activation=LeakyRelu activation_alpha:0.3", 1 },
        { "FusedGemm", "12", "x 12,5 5", "activation=HardSigmoid activation_alpha:0.3 activation_beta:0.4 alpha:0.5 beta:2", 1 },
        { "FusedGemm", "12", "x 12,5 5", "activation=Elu activation_alpha:0.7", 1 },
        { "FusedGemm", "12", "x 12,5 5", "activation=Softplus", 1 },
        { "FusedGemm", "12", "x 12,5 5", "activation=Softsign", 1 },
        { "FusedMatMul", "6,12", "x 12,5", "", 1 },
        { "FusedMatMul", "6,12", "x 5,12", "transB#1", 1 },
        { "FusedMatMul", "6,12", "x 12,50", "alpha:0.3", 1 },
        { "FusedMatMul", "6,12", "x 50,12", "alpha:0.3 transB#1", 1 },
        { "FusedMatMul", "6,12", "x 6,5", "transA#1 alpha:2", 1 },
        { "FusedMatMul", "6,12", "x x", "transB#1 alpha:0.25", 0 },
        { "FusedMatMul", "6,6", "x x", "transA#1", 0 },
        { "FusedMatMul", "6,12", "x x", "transA#1 transBatchA#0", 0 },
        { "TransposeMatMul", "6,12", "x 5,12", "transB#1 alpha:0.5", 1 },
        { "Gelu", "6,12", "x", "", 0 },
        { "BiasGelu", "6,12", "x 12", "", 0 },
        { "FastGelu", "6,12", "x", "", 0 },
        { "FastGelu", "6,12", "x 12", "", 0 },
        { "QuickGelu", "6,12", "x", "", 0 },
        { "QuickGelu", "6,12", "x", "alpha:1.2", 0 },
        { "SkipLayerNormalization", "6,12", "x x 12", "", 0 },
        { "SkipLayerNormalization", "6,12", "x x 12 12", "epsilon:0.01", 0 },
        { "SkipLayerNormalization", "6,12", "x x 12 12 12", "", 0 },
        { "SkipLayerNormalization", "6,12", "x x 12 _ 12", "", 0 },
        { "SkipSimplifiedLayerNormalization", "6,12", "x x 12", "epsilon:0.001", 0 },
        { "SkipSimplifiedLayerNormalization", "6,12", "x x 12 12", "epsilon:0.001", 0 },
        { "Attention", "6,12", "x 12,36 36", "num_heads#3", 1 },
        { "Attention", "6,12", "x 12,36 36", "num_heads#2 scale:0.4", 1 },
        { "Attention", "6,12", "x 12,32 32", "num_heads#4 qkv_hidden_sizes#12,12,8", 1 },
        { "Attention", "6,12", "x 12,36 36 _ _ 1,3,6,6", "num_heads#3", 1 },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void OutputsStayAndWeightsAreFound(string op, string shape, string inputs, string attributes, int layers)
    {
        var model = Model(op, shape, inputs, attributes);
        var raised = OpsetUpgrade.Apply(model, "m.onnx");
        Assert.All(raised.Graph.Node, node => Assert.True(node.IsStandard() || node.OpType == "MultiHeadAttention", node.OpType));
        var graph = Graph.FromModel(raised, "m.onnx");
        Assert.InRange(OtherPrecision.Distance(OtherPrecision.Run(model).Values, OtherPrecision.Run(graph.Model).Values), 0, Same);
        var found = LayerFinder.Find(graph).Layers;
        Assert.Equal(layers, found.Count);
        Assert.All(found, layer => Assert.Equal($"{op}_node", layer.Name));
    }

    /// <summary>Forms whose meaning is not plain stay, run, and are listed.</summary>
    [Theory]
    [InlineData("FusedMatMul", "4,6,12", "x x", "transBatchB#1 transBatchA#1 transB#1")]
    [InlineData("Attention", "6,12", "x 12,36 36", "num_heads#3 unidirectional#1")]
    public void OtherFormsStay(string op, string shape, string inputs, string attributes)
    {
        var model = Model(op, shape, inputs, attributes);
        var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx");
        Assert.Contains(graph.Nodes, node => node.OpType == op && node.Domain == FusedOperators.Domain);
        Assert.Contains(LayerFinder.Find(graph).Kept, kept => kept.Op.EndsWith(op, StringComparison.Ordinal));
        Assert.Equal(OtherPrecision.Run(model).Values, OtherPrecision.Run(graph.Model).Values);
    }

    /// <summary>The sum that is normalized may be an output of its own.</summary>
    [Theory]
    [InlineData("SkipLayerNormalization", "x x 12 12 12")]
    [InlineData("SkipSimplifiedLayerNormalization", "x x 12")]
    public void TheSumIsReadToo(string op, string inputs)
    {
        var model = Model(op, "6,12", inputs, "epsilon:0.01");
        model.Graph.Node[0].Output.Add(["", "", "sum"]);
        model.Graph.Output.Add(new ValueInfoProto
        {
            Name = "sum",
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } },
        });
        var raised = OpsetUpgrade.Apply(model, "m.onnx");
        Assert.All(raised.Graph.Node, node => Assert.True(node.IsStandard()));
        Assert.InRange(OtherPrecision.Distance(OtherPrecision.Run(model).Values, OtherPrecision.Run(raised).Values), 0, Same);
    }

    /// <summary>Before opset 17 the runtime wrote its LayerNormalization into the standard's domain.</summary>
    [Fact]
    public void ANormalizationBeforeItsTimeIsTheStandardOne()
    {
        var net = new NetworkBuilder(opset: 13, input: [6, 12]);
        net.Then("LayerNormalization", "n", [net.Weight("g", 12), net.Weight("b", 12)]).Then("MatMul", "y", [net.Weight("w", 12, 4)]);
        var model = net.Build();
        var graph = Graph.FromModel(OpsetUpgrade.Apply(model, "m.onnx"), "m.onnx");
        Assert.InRange(OtherPrecision.Distance(OtherPrecision.Run(model).Values, OtherPrecision.Run(graph.Model).Values), 0, Same);
    }

    private static ModelProto Model(string op, string shape, string inputs, string attributes)
    {
        long[] image = [.. shape.Split(',').Select(long.Parse)];
        var net = new NetworkBuilder(opset: 17, input: image);
        net.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = FusedOperators.Domain, Version = 1 });
        string[] names = [.. inputs.Split(' ').Select((word, i) => word switch
        {
            "x" => "x",
            "_" => "",
            _ => net.Weight($"w{i}", [.. word.Split(',').Select(long.Parse)]),
        })];
        net.Add(op, names, "y", [.. attributes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Read)]);
        net.Model.Graph.Node[0].Name = $"{op}_node";
        net.Model.Graph.Node[0].Domain = FusedOperators.Domain;
        return net.Build();
    }

    private static AttributeProto Read(string text)
    {
        int at = text.IndexOfAny(['=', ':', '#']);
        var (name, value) = (text[..at], text[(at + 1)..]);
        if (text[at] == '=')
        {
            return Attribute(name, value);
        }
        if (text[at] == '#')
        {
            long[] integers = [.. value.Split(',').Select(long.Parse)];
            return integers.Length == 1 ? Attribute(name, integers[0]) : Attribute(name, integers);
        }
        float[] floats = [.. value.Split(',').Select(number => float.Parse(number, System.Globalization.CultureInfo.InvariantCulture))];
        var attribute = new AttributeProto { Name = name };
        if (name == "activation_params")
        {
            attribute.Type = AttributeProto.Types.AttributeType.Floats;
            attribute.Floats.Add(floats);
        }
        else
        {
            (attribute.Type, attribute.F) = (AttributeProto.Types.AttributeType.Float, floats[0]);
        }
        return attribute;
    }
}
