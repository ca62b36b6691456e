using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Support;

/// <summary>
/// Random classifiers with If, Loop, Scan and SequenceMap, whose bodies, one in another, read tensors and weights around them. Weights are
/// used by several nodes, inside bodies and outside, in any order.
/// </summary>
internal sealed class RandomBodies
{
    private const int Channels = 4;
    private const int Side = 6;
    private const int Classes = 4;

    private readonly Random random;
    private readonly bool sequences;
    private readonly bool decides;
    private readonly NetworkBuilder net;
    private readonly List<string> weights = [];
    private int count;

    private RandomBodies(int seed, bool sequences)
    {
        (random, this.sequences, decides) = (new Random(seed), sequences, seed % 2 == 0);
        net = new NetworkBuilder(seed, input: [3, Side, Side]);
    }

    /// <summary>A model with sequences of tensors or without.</summary>
    public static ModelProto Build(int seed, bool sequences = true) => new RandomBodies(seed, sequences).Build(steps: 6);

    private ModelProto Build(int steps)
    {
        var graph = net.Model.Graph;
        graph.Initializer.Add(TensorData.Create("yes", DataType.Bool, [1]));
        graph.Initializer.Add(TensorData.Integers("two", [2]));
        graph.Initializer.Add(TensorData.Integers("one", [1], 1));
        // A brightness is that of the whole batch: where it decides, images run one at a time. Nothing is as bright as the other.
        graph.Initializer.Add(TensorData.Singles("middle", [decides ? 0.4f : 100]));
        net.Weight("first", Channels, 3, 3, 3);
        for (int i = 0; i < 3; i++)
        {
            weights.Add(net.Weight($"w{i}", Channels, Channels, 3, 3));
        }
        net.Weight("head", Channels, Classes);
        net.Add("ReduceMean", ["x"], "mean", Attribute("keepdims", 0)).Add("Greater", ["mean", "middle"], "bright");
        var tensors = new List<string> { net.Add("Conv", ["x", "first"], "start", Attribute("pads", 1, 1, 1, 1)).Last };
        for (int step = 0; step < steps; step++)
        {
            tensors.Add(Step(graph, tensors, depth: 0));
        }
        // The last of them are read by nobody else, so that every step may count.
        net.Add("Sum", [.. tensors.TakeLast(3)], "all").Then("GlobalAveragePool", "pool").Then("Flatten", "flat")
            .Then("MatMul", "logits", ["head"]);
        return net.Build();
    }

    /// <summary>Adds nodes that make one more tensor [N, channels, side, side] of those there are.</summary>
    private string Step(GraphProto graph, List<string> tensors, int depth)
    {
        string Pick() => tensors[random.Next(tensors.Count)];
        string output = Name("t");
        switch (random.Next(depth >= 2 ? 3 : sequences ? 9 : 8))
        {
            case 0 or 1:
                graph.Node.Add(Convolution(Pick(), weights[random.Next(weights.Count)], output));
                break;
            case 2:
                graph.Node.Add(Node("Add", [Pick(), Pick()], output));
                break;
            case 3 or 4:
                graph.Node.Add(Choice(random.Next(2) == 0, tensors, depth, output));
                break;
            case 5 or 6:
                graph.Node.Add(Node("Loop", ["two", "", Pick()], output, Body("body", Repeated(tensors, depth))));
                break;
            case 7:
                graph.Node.Add(Scan(tensors, Pick(), output));
                break;
            default:
                string parts = Name("s"), mapped = Name("s");
                graph.Node.Add(Node("SplitToSequence", [Pick()], parts, Attribute("axis", 1)));
                graph.Node.Add(Node("SequenceMap", [parts], mapped, Body("body", Mapped(Pick()))));
                if (random.Next(2) == 0)
                {
                    // Another sequence of the mapped one and a tensor, which may change alone: the mapped one is made again then.
                    string item = Name("x"), longer = Name("s"), cut = Name("s");
                    graph.Node.Add(Node("ReduceMean", [Pick(), "one"], item));
                    graph.Node.Add(Node("SequenceInsert", [mapped, item, "two"], longer));
                    graph.Node.Add(Node("SequenceErase", [longer], cut));
                    mapped = cut;
                }
                graph.Node.Add(Node("ConcatFromSequence", [mapped], output, Attribute("axis", 1)));
                break;
        }
        return output;
    }

    private NodeProto Choice(bool constant, List<string> tensors, int depth, string output)
    {
        GraphProto yes = Branch(tensors, depth), no = Branch(tensors, depth);
        // ONNX Runtime 1.31 puts the branch of a constant condition in the node's place, and loses what a SequenceMap within reads then.
        bool keeps = GraphWalk.AtEveryDepth(yes.Node.Concat(no.Node)).Any(node => node.OpType == "SequenceMap");
        return Node("If", [constant && !keeps ? "yes" : "bright"], output, Body("then_branch", yes), Body("else_branch", no));
    }

    private GraphProto Branch(List<string> tensors, int depth)
    {
        var body = new GraphProto { Name = Name("branch") };
        Steps(body, [.. tensors], depth);
        return body;
    }

    private GraphProto Repeated(List<string> tensors, int depth)
    {
        string state = Name("v"), goes = Name("c");
        var body = new GraphProto { Name = Name("loop") };
        body.Input.Add([Value(Name("i"), DataType.Int64, []), Value(goes, DataType.Bool, []), Value(state, DataType.Float)]);
        string on = Name("c");
        body.Node.Add(Node("Identity", [goes], on));
        body.Output.Add(Value(on, DataType.Bool, []));
        Steps(body, [.. tensors, state, state], depth);
        return body;
    }

    /// <summary>Some steps in a body, and their sum halved as its output.</summary>
    private void Steps(GraphProto body, List<string> tensors, int depth)
    {
        int before = tensors.Count;
        for (int step = random.Next(1, 3); step > 0; step--)
        {
            tensors.Add(Step(body, tensors, depth + 1));
        }
        string result = Name("t");
        body.Node.Add(Node("Mean", tensors.Skip(before).Append(tensors[random.Next(before)]), result));
        body.Output.Add(Value(result, DataType.Float));
    }

    /// <summary>Channel by channel: a running sum, and the rectified channel beside the mean of another tensor.</summary>
    private NodeProto Scan(List<string> tensors, string over, string output)
    {
        string mean = Name("m"), start = Name("z"), sum = Name("v"), slice = Name("x"), next = Name("v"), mixed = Name("y"),
            shown = Name("y");
        net.Add("ReduceMean", ["start"], mean, Attribute("keepdims", 0)).Add("ReduceMin", ["start"], start, Attribute("keepdims", 0));
        var body = new GraphProto { Name = Name("scan") };
        body.Input.Add([Value(sum, DataType.Float), Value(slice, DataType.Float)]);
        body.Node.Add(Node("ReduceMax", [tensors[0]], mixed, Attribute("keepdims", 0)));
        body.Node.Add(Node("Mean", [sum, mixed, mean], next));
        body.Node.Add(Node("Add", [slice, next], shown));
        body.Output.Add([Value(next, DataType.Float, []), Value(shown, DataType.Float, [null, Side, Side])]);
        var node = Node(
            "Scan", [start, over], Name("v"), Body("body", body), Attribute("num_scan_inputs", 1), Attribute("scan_input_axes", [1L]),
            Attribute("scan_output_axes", [1L]));
        node.Output.Add(output);
        return node;
    }

    private GraphProto Mapped(string other)
    {
        string item = Name("x"), mean = Name("m"), result = Name("y");
        var body = new GraphProto { Name = Name("map") };
        body.Input.Add(Value(item, DataType.Float));
        string source = other;
        if (random.Next(2) == 0)
        {
            source = Name("t");
            body.Node.Add(Convolution(other, weights[random.Next(weights.Count)], source));
        }
        body.Node.Add(Node("ReduceMean", [source], mean, Attribute("keepdims", 0)));
        body.Node.Add(Node("Add", [item, mean], result));
        body.Output.Add(Value(result, DataType.Float));
        return body;
    }

    private NodeProto Convolution(string input, string weight, string output)
    {
        var node = Node("Conv", [input, weight], output, Attribute("pads", 1, 1, 1, 1));
        node.Name = Name("conv");
        return node;
    }

    private string Name(string kind) => $"{kind}_{count++}";

    private static AttributeProto Body(string name, GraphProto body) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = body };

    private static ValueInfoProto Value(string name, DataType type, long?[]? dims = null)
    {
        var value = new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)type } } };
        if (dims is not null)
        {
            value.Type.TensorType.Shape = new TensorShapeProto();
            value.Type.TensorType.Shape.Dim.Add(
                dims.Select(d => d is { } size ? new TensorShapeProto.Types.Dimension { DimValue = size } : new()));
        }
        return value;
    }
}
