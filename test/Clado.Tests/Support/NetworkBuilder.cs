using Clado.Graphs;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>Builds small networks node by node, with weights from a seed.</summary>
internal sealed class NetworkBuilder
{
    private readonly Random random;

    public NetworkBuilder(int seed = 1, int opset = OpsetUpgrade.TargetOpset, params long[] input)
    {
        random = new Random(seed);
        Model = new ModelProto { IrVersion = opset >= 25 ? 13 : 8, Graph = new GraphProto { Name = "test" } };
        Model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        Model.Graph.Input.Add(Value("x", input.Length > 0 ? input : [3, 8, 8]));
        Last = "x";
    }

    public ModelProto Model { get; }

    /// <summary>Name of the tensor made last.</summary>
    public string Last { get; private set; }

    /// <summary>Adds a weight of the given shape, normally distributed around 0 with a spread that keeps activations near 1.</summary>
    public string Weight(string name, params long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        double spread = Math.Sqrt(2.0 * shape[0] / count);
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        Model.Graph.Initializer.Add(TensorData.Singles(name, values, shape));
        return name;
    }

    /// <summary>Adds a node whose first input is the tensor made last.</summary>
    public NetworkBuilder Then(string op, string output, string[]? more = null, params AttributeProto[] attributes) =>
        Add(op, [Last, .. more ?? []], output, attributes);

    /// <summary>Adds a node.</summary>
    public NetworkBuilder Add(string op, string[] inputs, string output, params AttributeProto[] attributes)
    {
        var node = NodeExtensions.Node(op, inputs, output, attributes);
        node.Name = $"{op.ToLowerInvariant()}_{output}";
        Model.Graph.Node.Add(node);
        Last = output;
        return this;
    }

    /// <summary>Ends the model with outputs; their shapes are left to the runtime.</summary>
    public ModelProto Build(params string[] outputs)
    {
        foreach (var output in outputs.Length > 0 ? outputs : [Last])
        {
            Model.Graph.Output.Add(
                new ValueInfoProto { Name = output, Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } } });
        }
        return Model;
    }

    public Graph BuildGraph(params string[] outputs) => Graph.FromModel(Build(outputs), "test.onnx");

    /// <summary>A classifier with a residual connection, a depthwise convolution and a fully connected end: five layers.</summary>
    public static NetworkBuilder SmallClassifier(int seed = 1, int classes = 5, int side = 8)
    {
        var net = new NetworkBuilder(seed, input: [3, side, side]);
        net.Weight("w1", 8, 3, 3, 3);
        net.Weight("w2", 8, 8, 3, 3);
        net.Weight("w3", 8, 1, 3, 3);
        net.Weight("w4", 12, 8, 1, 1);
        net.Weight("w5", classes, 12);
        net.Weight("b5", classes);
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        net.Then("Conv", "c1", ["w1"], pads).Then("Relu", "r1").Then("Conv", "c2", ["w2"], pads).Add("Add", ["c2", "r1"], "a2")
            .Then("Relu", "r2");
        net.Then("Conv", "c3", ["w3"], pads, NodeExtensions.Attribute("group", 8)).Then("Conv", "c4", ["w4"]).Then("Relu", "r4");
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "logits", ["w5", "b5"], NodeExtensions.Attribute("transB", 1));
        return net;
    }

    /// <summary>A deep residual network: a stem, blocks of two convolutions each, a fully connected end: 2 · blocks + 2 layers.</summary>
    public static NetworkBuilder DeepResidual(int blocks, int channels = 6, int classes = 8)
    {
        var net = new NetworkBuilder(input: [3, 8, 8]);
        var pads = NodeExtensions.Attribute("pads", 1, 1, 1, 1);
        net.Weight("w", channels, 3, 3, 3);
        net.Then("Conv", "stem", ["w"], pads).Then("Relu", "r");
        for (int block = 0; block < blocks; block++)
        {
            string stage = $"stage{1 + (4 * block / blocks)}.{block}", before = net.Last;
            net.Then("Conv", $"{stage}/conv1", [net.Weight($"{stage}.w1", channels, channels, 3, 3)], pads).Then("Relu", $"{stage}/r");
            net.Then("Conv", $"{stage}/conv2", [net.Weight($"{stage}.w2", channels, channels, 3, 3)], pads);
            // Branches add little: activations keep their size however deep it is.
            net.Model.Graph.Initializer.Add(TensorData.Singles($"{stage}.share", [0.3f]));
            net.Then("Mul", $"{stage}/m", [$"{stage}.share"]).Then("Add", $"{stage}/a", [before]).Then("Relu", $"{stage}/out");
        }
        net.Then("GlobalAveragePool", "p").Then("Flatten", "f").Then("Gemm", "logits", [net.Weight("head", channels, classes)]);
        return net;
    }

    /// <summary>The small classifier with a Loop before its end that never ends.</summary>
    public static ModelProto EndlessClassifier()
    {
        var net = SmallClassifier();
        var body = new GraphProto { Name = "body" };
        body.Input.Add(Scalar("round", DataType.Int64));
        body.Input.Add(Scalar("go", DataType.Bool));
        body.Input.Add(
            new ValueInfoProto { Name = "state", Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float } } });
        body.Node.Add(NodeExtensions.Node("Identity", ["go"], "on"));
        body.Node.Add(NodeExtensions.Node("Neg", ["state"], "next"));
        body.Output.Add(Scalar("on", DataType.Bool));
        body.Output.Add(new ValueInfoProto { Name = "next", Type = body.Input[2].Type });
        net.Model.Graph.Initializer.Add(TensorData.Create("true", DataType.Bool, [1], []));
        net.Add(
            "Loop", ["", "true", net.Last], "never",
            new AttributeProto { Name = "body", Type = AttributeProto.Types.AttributeType.Graph, G = body });
        return net.Build();
    }

    private static ValueInfoProto Scalar(string name, DataType type) =>
        new() { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type, Shape = new() } } };

    private static ValueInfoProto Value(string name, long[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "N" });
        shape.Dim.Add(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } },
        };
    }
}
