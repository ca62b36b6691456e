using Clado.Export;
using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Packing;
using Clado.Tests.Support;
using Xunit;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Graphs;

/// <summary>Networks of half and double precision are read as the float ones they stand for, and written with their own types.</summary>
public class PrecisionTests
{
    // Sums in another order; and what ten bits of half precision, or seven, make of a few layers.
    private const double Same = 1e-5, Half = 1e-2;

    public static TheoryData<int, string, bool> Networks()
    {
        var data = new TheoryData<int, string, bool>();
        foreach (var type in (string[])["Float16", "Bfloat16", "Double"])
        {
            for (int seed = 0; seed < 12; seed++)
            {
                data.Add(seed, type, seed % 3 == 1);
            }
        }
        return data;
    }

    /// <summary>Seed 0 is a classifier without bodies.</summary>
    private static ModelProto Float(int seed) => seed == 0 ? NetworkBuilder.SmallClassifier().Build() : RandomBodies.Build(seed);

    [Theory]
    [MemberData(nameof(Networks))]
    public void AReadingIsTheFloatNetworkOfTheSameConstants(int seed, string precision, bool keepsEnds)
    {
        var type = Enum.Parse<DataType>(precision);
        var rounded = OtherPrecision.Rounded(Float(seed), type);
        var graph = Graph.FromModel(OtherPrecision.Of(Float(seed), type, keepsEnds), "m.onnx");
        var (expected, _) = OtherPrecision.Run(rounded);
        Assert.InRange(OtherPrecision.Distance(expected, OtherPrecision.Run(graph.Model).Values), 0, Same);
        Assert.Equal(LayerFinder.Find(Graph.FromModel(rounded, "m.onnx")).Layers.Select(l => l.Parameters),
            LayerFinder.Find(graph).Layers.Select(l => l.Parameters));
        Assert.Contains($"computes in {type.ToString().ToLowerInvariant()}", graph.InputShape.Notes.Single(n => n.Contains("computes in",
            StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.False(FloatTypes.AreOthersIn(graph.Model));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]
    public void AReadingIsWhatTheRuntimeMakesOfHalfPrecision(int seed)
    {
        var half = OtherPrecision.Of(Float(seed), DataType.Float16);
        // At half precision another branch may be taken where an image is as bright as the other.
        var (expected, _) = OtherPrecision.Run(half);
        Assert.InRange(
            OtherPrecision.Distance(expected, OtherPrecision.Run(Graph.FromModel(half, "m.onnx").Model).Values), 0, Half);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void AWrittenFileHasTheTypesOfTheOneGiven(int seed, string precision, bool keepsEnds)
    {
        var type = Enum.Parse<DataType>(precision);
        var graph = Graph.FromModel(OtherPrecision.Of(Float(seed), type, keepsEnds), "m.onnx");
        var chosen = Harness.Candidates(graph, 8).Items;
        var written = ModelWriter.Build(graph, chosen);
        var size = new FileSize(graph, LayerFinder.Find(graph).Layers);
        Assert.Equal(size.Predict(chosen.Sum(c => c.SizeBytes), chosen.Select(c => c.Bits)), written.CalculateSize());
        var ends = keepsEnds ? DataType.Float : type;
        Assert.All(written.Graph.Input.Concat(written.Graph.Output), v => Assert.Equal((int)ends, v.Type.TensorType.ElemType));
        var (values, types) = OtherPrecision.Run(written);
        Assert.All(types, t => Assert.Equal(ends, t));
        // Its weights are the simulation's, its input and output those rounded to half precision.
        double rounding = keepsEnds || type == DataType.Double ? Same : type == DataType.Float16 ? 1e-3 : 1e-2;
        var simulated = Harness.WithWeights(graph, chosen);
        Assert.InRange(OtherPrecision.Distance(OtherPrecision.Run(simulated).Values, values), 0, rounding);

        // Read again it is a float network, and nothing is to be said.
        var again = Graph.FromModel(written, "w.onnx");
        Assert.DoesNotContain(again.InputShape.Notes, note => note.Contains("computes in", StringComparison.Ordinal));
        Assert.DoesNotContain(again.Nodes, node => node.Is("Cast") && node.Integer("to", 0) == (long)DataType.Float
            && again.Tensors[node.Operand(0)].Type == DataType.Float);
        Assert.Equal(graph.TypesInFile.OrderBy(t => t.Key), again.TypesInFile.OrderBy(t => t.Key));
    }

    /// <summary>Whatever says a type in a network says float in the reading.</summary>
    [Theory]
    [InlineData("mask of half precision", "Float16")]
    [InlineData("mask of double precision", "Double")]
    [InlineData("infinite mask", "Float16")]
    [InlineData("constant of a shape", "Float16")]
    [InlineData("constant node", "Double")]
    [InlineData("identity matrix", "Float16")]
    [InlineData("output that is read", "Float16")]
    [InlineData("output that is cast", "Float16")]
    [InlineData("output that is constant", "Float16")]
    [InlineData("output that is an input", "Float16")]
    [InlineData("codes", "Float16")]
    [InlineData("sequence", "Float16")]
    [InlineData("normalization between casts", "Float16")]
    public void Forms(string form, string precision)
    {
        var type = Enum.Parse<DataType>(precision);
        var net = new NetworkBuilder(input: [3, 6, 6]);
        net.Model.Graph.Input[0].Type.TensorType.ElemType = (int)type;
        net.Weight("w", 4, 3, 3, 3);
        net.Then("Conv", "c", ["w"]);
        string[] outputs = Form(net, form, type);
        foreach (var (tensor, i) in net.Model.Graph.Initializer.Select((t, i) => (t, i)).ToArray())
        {
            bool stays = tensor.DataType != (int)DataType.Float || tensor.Name.StartsWith("f32", StringComparison.Ordinal);
            net.Model.Graph.Initializer[i] = stays ? tensor : OtherPrecision.Tensor(tensor, type);
        }
        var model = net.Build(outputs);
        foreach (var output in model.Graph.Output)
        {
            output.Type.TensorType.ElemType = (int)type;
        }
        var graph = Graph.FromModel(model, "m.onnx");
        Assert.False(FloatTypes.AreOthersIn(graph.Model));
        var written = ModelWriter.Build(graph, Harness.Candidates(graph, 8).Items);
        var (values, types) = OtherPrecision.Run(written);
        Assert.All(types, t => Assert.Equal(type, t));
        Assert.Equal(outputs, written.Graph.Output.Select(o => o.Name));
        if (type == DataType.Float16)
        {
            var (expected, _) = OtherPrecision.Run(model);
            Assert.Equal(expected.Length, values.Length);
            // Weights of 8 bits, and where there are codes a step of theirs.
            double largest = (0.02 * expected.Where(float.IsFinite).Max(Math.Abs)) + (form == "codes" ? 0.1 : 0);
            Assert.All(expected.Zip(values), p => Assert.True(p.First == p.Second || Math.Abs(p.First - p.Second) < largest, $"{p}"));
        }
        if (form == "normalization between casts")
        {
            Assert.DoesNotContain(graph.Nodes, node => node.OpType is "Cast" or "BatchNormalization");
        }
        Assert.All(graph.Initializers.Values.Where(t => t.Name == "mask" && form == "mask of double precision"),
            t => Assert.All(TensorData.ReadSingles("", t), v => Assert.True(float.IsFinite(v))));
    }

    private static string[] Form(NetworkBuilder net, string form, DataType type)
    {
        var graph = net.Model.Graph;
        switch (form)
        {
            case "mask of half precision":
                graph.Initializer.Add(TensorData.Singles("mask", [-65504, 0, 0, -65504], 1, 1, 1, 4));
                net.Then("Add", "m", ["mask"]).Then("Softmax", "y");
                return ["y"];
            case "infinite mask":
                graph.Initializer.Add(TensorData.Singles("mask", [float.NegativeInfinity, 0, 0, 0], 1, 1, 1, 4));
                net.Then("Add", "m", ["mask"]).Then("Softmax", "y");
                return ["y"];
            case "mask of double precision":
                var mask = TensorData.Create("mask", DataType.Double,
                    System.Runtime.InteropServices.MemoryMarshal.AsBytes<double>(new[] { double.MinValue, 0, 0, 0 }), 1, 1, 1, 4);
                graph.Initializer.Add(mask);
                net.Then("Add", "m", ["mask"]).Then("Softmax", "y");
                return ["y"];
            case "constant of a shape":
                graph.Initializer.Add(TensorData.Integers("shape", [1, 4, 4, 4], 4));
                net.Add("ConstantOfShape", ["shape"], "k", Tensor("value", OtherPrecision.Tensor(TensorData.Singles("", [0.5f], 1), type)));
                net.Add("Add", ["c", "k"], "y");
                return ["y"];
            case "constant node":
                net.Add("Constant", [], "k", Tensor("value", OtherPrecision.Tensor(TensorData.Singles("", [0.5f]), type)));
                net.Add("Add", ["c", "k"], "y");
                return ["y"];
            case "identity matrix":
                graph.Initializer.Add(TensorData.Singles("square", new float[16], 4, 4));
                net.Add("EyeLike", ["square"], "e", Attribute("dtype", (long)type)).Add("MatMul", ["c", "e"], "y");
                return ["y"];
            case "output that is read":
                net.Then("Relu", "z");
                return ["c", "z"];
            case "output that is cast":
                net.Then("Cast", "f", null, Attribute("to", (long)DataType.Float)).Then("Softmax", "s", null, Attribute("axis", 1))
                    .Then("Cast", "y", null, Attribute("to", (long)type)).Then("Relu", "z");
                return ["y", "z"];
            case "output that is constant":
                graph.Initializer.Add(TensorData.Singles("anchors", [1, 2, 3], 3));
                return ["c", "anchors"];
            case "output that is an input":
                return ["c", "x"];
            case "codes":
                graph.Initializer.Add(TensorData.Singles("scale", [0.1f]));
                graph.Initializer.Add(TensorData.Create("zero", DataType.Uint8, [128]));
                net.Then("QuantizeLinear", "q", ["scale", "zero"]).Then("DequantizeLinear", "y", ["scale", "zero"]);
                return ["y"];
            case "sequence":
                graph.Initializer.Add(TensorData.Integers("first", [0]));
                net.Add("SequenceConstruct", ["c", "c"], "both").Add("SequenceAt", ["both", "first"], "y");
                return ["y"];
            default:
                graph.Initializer.Add(TensorData.Singles("f32_scale", [1, 2, 3, 4], 4));
                graph.Initializer.Add(TensorData.Singles("f32_zeros", [0, 1, 0, 1], 4));
                graph.Initializer.Add(TensorData.Singles("f32_ones", [1, 1, 2, 2], 4));
                net.Then("Cast", "f", null, Attribute("to", (long)DataType.Float))
                    .Then("BatchNormalization", "b", ["f32_scale", "f32_zeros", "f32_zeros", "f32_ones"])
                    .Then("Cast", "h", null, Attribute("to", (long)type)).Then("Relu", "y");
                return ["y"];
        }
    }

    [Fact]
    public void SideCalculationsOfShapesStay()
    {
        var net = new NetworkBuilder(input: [3, 6, 6]);
        net.Weight("w", 4, 3, 3, 3);
        net.Model.Graph.Initializer.Add(TensorData.Create("two", DataType.Double, BitConverter.GetBytes(2.0), []));
        net.Add("Shape", ["x"], "s").Then("Cast", "d", null, Attribute("to", (long)DataType.Double)).Then("Div", "half", ["two"])
            .Then("Mul", "whole", ["two"]).Then("Cast", "i", null, Attribute("to", (long)DataType.Int64));
        var graph = net.Add("Reshape", ["x", "i"], "r").Then("Conv", "y", ["w"]).BuildGraph();
        Assert.Equal(DataType.Double, graph.Tensors["d"].Type);
        Assert.Empty(graph.Precisions);
    }

    [Fact]
    public void ConstantsThatAreOnlyStoredSoStay()
    {
        var net = new NetworkBuilder(input: [3, 6, 6]);
        net.Weight("w", 4, 3, 3, 3);
        net.Weight("table", 4000, 4);
        net.Model.Graph.Initializer.Add(TensorData.Integers("row", [0], 1));
        var graph = net.Model.Graph;
        graph.Initializer[1] = OtherPrecision.Tensor(graph.Initializer[1], DataType.Float16);
        graph.Initializer[0] = OtherPrecision.Tensor(graph.Initializer[0], DataType.Float16);
        net.Model.Graph.Input[0].Type.TensorType.ElemType = (int)DataType.Float16;
        net.Then("Conv", "c", ["w"]).Then("Cast", "f", null, Attribute("to", (long)DataType.Float));
        net.Add("Cast", ["table"], "t", Attribute("to", (long)DataType.Float)).Then("ReduceSum", "g", ["row"]).Add("Add", ["f", "g"], "y");
        var read = net.BuildGraph();
        Assert.Equal((int)DataType.Float16, read.Initializers["table"].DataType);
        Assert.Equal((int)DataType.Float, read.Initializers["w"].DataType);
    }

    [Fact]
    public void ASequenceOfHalfPrecisionAtTheEndIsRefusedByName()
    {
        var net = new NetworkBuilder(input: [3, 6, 6]);
        var model = OtherPrecision.Of(net.Then("Conv", "c", [net.Weight("w", 4, 3, 3, 3)]).Add("SequenceConstruct", ["c"], "list").Build(),
            DataType.Float16);
        var element = model.Graph.Output[0].Type;
        model.Graph.Output[0].Type = new TypeProto { SequenceType = new() { ElemType = element } };
        var error = Assert.Throws<OnnxFormatException>(() => Graph.FromModel(model, "m.onnx"));
        Assert.Contains("'list'", error.Message, StringComparison.Ordinal);
        Assert.Contains("sequence", error.Message, StringComparison.Ordinal);
    }

    /// <summary>How far float is from double is measured where the runtime computes in double, and refused where it is too far.</summary>
    [Fact]
    public void WhatCancelsOutInFloatIsRefused()
    {
        Assert.Contains("away from double", Product(1).InputShape.Notes[1], StringComparison.Ordinal);
        var error = Assert.Throws<OnnxFormatException>(() => Product(1e9f));
        Assert.Contains("does not stand for", error.Message, StringComparison.Ordinal);

        static Graph Product(float offset)
        {
            var net = new NetworkBuilder(input: [3, 4, 4]);
            net.Model.Graph.Initializer.Add(TensorData.Singles("offset", [offset]));
            net.Then("Flatten", "f").Then("MatMul", "m", [net.Weight("w", 48, 4)]);
            net.Then("Add", "a", ["offset"]).Then("Sub", "y", ["offset"]);
            return Graph.FromModel(OtherPrecision.Of(net.Build(), DataType.Double), "m.onnx");
        }
    }

    private static AttributeProto Tensor(string name, TensorProto value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Tensor, T = value };
}
