using Clado.Onnx;
using Clado.Tests.Support;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Tasks;

/// <summary>Small networks for images of 24 × 24 that end in the ways networks of different tasks do.</summary>
internal static class TaskNetworks
{
    private static readonly AttributeProto Pads = Attribute("pads", 1, 1, 1, 1);

    /// <summary>Two convolutions: 't' [N, 8, 12, 12].</summary>
    public static NetworkBuilder Trunk(int seed = 1)
    {
        var net = new NetworkBuilder(seed, input: [3, 24, 24]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8, 3, 3);
        return net.Then("Conv", "c1", ["w1"], Pads, Attribute("strides", 2, 2)).Then("Relu", "r1")
            .Then("Conv", "c2", ["w2"], Pads).Then("Relu", "t");
    }

    /// <summary>A vector 'v' [N, count] behind features 'f' [N, 8].</summary>
    public static NetworkBuilder Vector(int count, int seed = 1)
    {
        var net = Trunk(seed);
        net.Weight("wv", count, 8);
        return net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "v", ["wv"], Attribute("transB", 1));
    }

    /// <summary>A map 'm' [N, channels, 12, 12].</summary>
    public static NetworkBuilder Map(int channels)
    {
        var net = Trunk();
        net.Weight("wm", channels, 8, 1, 1);
        return net.Then("Conv", "m", ["wm"]);
    }

    /// <summary>The map twice as large: 'large' [N, channels, 24, 24], the image's size.</summary>
    public static NetworkBuilder Enlarged(this NetworkBuilder net)
    {
        net.Model.Graph.Initializer.Add(TensorData.Singles("scales", [1, 1, 2, 2], 4));
        return net.Then("Resize", "large", ["", "scales"], Attribute("mode", "linear"));
    }

    /// <summary>Adds constants of integers.</summary>
    public static NetworkBuilder Constant(this NetworkBuilder net, string name, params long[] values)
    {
        net.Model.Graph.Initializer.Add(TensorData.Integers(name, values, values.Length));
        return net;
    }

    /// <summary>The vector before it divided by its length, as an exporter may write it.</summary>
    public static NetworkBuilder OfUnitLength(this NetworkBuilder net, string how)
    {
        string v = net.Last;
        net.Model.Graph.Initializer.Add(TensorData.Singles("least", [1e-12f]));
        net.Model.Graph.Initializer.Add(TensorData.Singles("two", [2]));
        net.Constant("last", 1).Constant("as", 1, 16);
        return how switch
        {
            "LpNormalization" => net.Then("LpNormalization", "y", null, Attribute("axis", 1)),
            "ReduceL2" => net.Then("ReduceL2", "n", ["last"]).Then("Clip", "clipped", ["least"]).Then("Expand", "wide", ["as"])
                .Add("Div", [v, "wide"], "y"),
            "ReduceSum" => net.Add("Mul", [v, v], "squares").Then("ReduceSum", "sum", ["last"]).Then("Sqrt", "n")
                .Then("Reciprocal", "inverse").Add("Mul", [v, "inverse"], "y"),
            "Pow" => net.Then("Pow", "squares", ["two"]).Then("ReduceSum", "sum", ["last"]).Then("Add", "above", ["least"])
                .Then("Sqrt", "n").Add("Div", [v, "n"], "y"),
            _ => throw new ArgumentException(how),
        };
    }

    /// <summary>Boxes 'boxes' [N, 36, 4] and scores 'scores' [N, 36, classes] of a map of 6 × 6, and a layer 'wh' before both.</summary>
    public static NetworkBuilder Boxes(int classes)
    {
        var net = Trunk();
        net.Weight("wh", 4 + classes, 8, 3, 3);
        net.Constant("rows", 0, 4 + classes, -1).Constant("split", 4, classes);
        net.Then("Conv", "h", ["wh"], Pads, Attribute("strides", 2, 2)).Then("Reshape", "flat", ["rows"])
            .Then("Transpose", "rows_last", null, Attribute("perm", 0, 2, 1)).Then("Sigmoid", "s");
        var split = Node("Split", ["s", "split"], "boxes", Attribute("axis", 2));
        split.Output.Add("scores");
        net.Model.Graph.Node.Add(split);
        return net;
    }

    /// <summary>The same, ending in NonMaxSuppression: 'kept', as many boxes as the image has.</summary>
    public static NetworkBuilder Suppressed()
    {
        var net = Boxes(2).Constant("most", 10).Constant("column", 2).Constant("axis", 1);
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = 1;
        net.Model.Graph.Initializer.Add(TensorData.Singles("half", [0.5f], 1));
        return net.Add("Transpose", ["scores"], "by_class", Attribute("perm", 0, 2, 1))
            .Add("NonMaxSuppression", ["boxes", "by_class", "most", "half", "half"], "picked")
            .Then("Gather", "which", ["column"], Attribute("axis", 1)).Then("Squeeze", "index", ["axis"])
            .Add("Gather", ["boxes", "index"], "kept", Attribute("axis", 1));
    }

    /// <summary>A model with outputs of any type.</summary>
    public static ModelProto Built(this NetworkBuilder net, params (string Name, DataType Type)[] outputs)
    {
        foreach (var (name, type) in outputs)
        {
            var tensor = new TypeProto { TensorType = new() { ElemType = (int)type } };
            net.Model.Graph.Output.Add(new ValueInfoProto { Name = name, Type = tensor });
        }
        return net.Model;
    }
}
