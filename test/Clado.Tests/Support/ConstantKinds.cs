using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Support;

/// <summary>Small networks with constants of every kind that is quantized beside convolutions and plain products.</summary>
internal static class ConstantKinds
{
    /// <summary>Steps of the sequence that a recurrent node reads.</summary>
    public const int Steps = 24;

    /// <summary>Their names.</summary>
    public static readonly string[] Names =
    [
        "lstm", "reverse lstm", "bidirectional lstm", "gru", "bidirectional gru", "gru before reset", "rnn", "bidirectional rnn",
        "last state",
        "batch", "batch at the left", "batch of shared rows", "batch in the middle", "batch of one", "table", "table of long rows",
        "relative positions", "einsum", "einsum of heads",
    ];

    /// <summary>A classifier of images [3, 8, 8] whose constants are of a kind; "end" is the weight of its last layer.</summary>
    /// <param name="kind">One of <see cref="Names"/>.</param>
    /// <param name="opset">Opset of the model.</param>
    public static NetworkBuilder Of(string kind, int opset = OpsetUpgrade.TargetOpset)
    {
        var net = new NetworkBuilder(opset: opset, input: [3, 8, 8]);
        var last = kind.Split(' ')[^1];
        long inputs = last is "lstm" or "gru" or "rnn" || kind is "gru before reset" or "last state" ? Recurrent(net, kind)
            : kind.StartsWith("batch", StringComparison.Ordinal) ? Batch(net, kind)
            : kind.StartsWith("einsum", StringComparison.Ordinal) ? Einsum(net, kind)
            : kind == "relative positions" ? Positions(net)
            : Table(net, kind == "table" ? 16 : 64);
        return net.Then("Flatten", "flat").Then("Gemm", "logits", [net.Weight("end", inputs, 8)]);
    }

    private static long Recurrent(NetworkBuilder net, string kind)
    {
        var words = kind.Split(' ');
        string op = words.Contains("gru") ? "GRU" : words.Contains("rnn") ? "RNN" : "LSTM";
        string direction = words[0] is "bidirectional" or "reverse" ? words[0] : "forward";
        int directions = direction == "bidirectional" ? 2 : 1, hidden = op == "RNN" ? 32 : 16;
        int rows = hidden * (op switch { "GRU" => 3, "RNN" => 1, _ => 4 });
        net.Model.Graph.Initializer.Add(TensorData.Integers("sequence", [0, Steps, 8], 3));
        List<AttributeProto> attributes = [Attribute("hidden_size", hidden), Attribute("direction", direction)];
        if (op == "GRU" && kind != "gru before reset")
        {
            attributes.Add(Attribute("linear_before_reset", 1));
        }
        string[] weights = [net.Weight("w", directions, rows, 8), net.Weight("r", directions, rows, hidden)];
        net.Then("Reshape", "steps", ["sequence"]).Then("Transpose", "sequences", null, Attribute("perm", 1, 0, 2))
            .Then(op, "h", weights, [.. attributes]);
        if (kind == "last state")
        {
            net.Model.Graph.Node[^1].Output.Insert(0, "");
            net.Then("Transpose", "images", null, Attribute("perm", 1, 0, 2));
            return hidden;
        }
        net.Then("Transpose", "images", null, Attribute("perm", 2, 0, 1, 3));
        return (long)Steps * directions * hidden;
    }

    private static long Batch(NetworkBuilder net, string kind)
    {
        var axes = net.Model.Graph.Initializer;
        switch (kind)
        {
            case "batch":
                net.Then("MatMul", "m", [net.Weight("w", 3, 8, 12)]);
                return 3 * 8 * 12;
            case "batch at the left":
                net.Add("MatMul", [net.Weight("w", 3, 12, 8), "x"], "m");
                return 3 * 12 * 8;
            case "batch of one":
                // The activation has a dimension less: the product gets its first one from the batch.
                axes.Add(TensorData.Integers("axis", [1], 1));
                net.Then("ReduceMean", "plane", ["axis"], Attribute("keepdims", 0)).Then("MatMul", "m", [net.Weight("w", 1, 1, 8, 40)])
                    .Then("Transpose", "images", null, Attribute("perm", 1, 0, 2, 3));
                return 8 * 40;
            case "batch of shared rows":
                axes.Add(TensorData.Integers("axis", [1], 1));
                net.Then("Unsqueeze", "five", ["axis"]).Then("MatMul", "m", [net.Weight("w", 2, 1, 8, 20)]);
                return 2 * 3 * 8 * 20;
            default:
                axes.Add(TensorData.Integers("axis", [2], 1));
                net.Then("Unsqueeze", "five", ["axis"]).Then("Neg", "minus")
                    .Add("Concat", ["five", "minus"], "both", Attribute("axis", 2)).Then("MatMul", "m", [net.Weight("w", 3, 1, 8, 12)]);
                return 3 * 2 * 8 * 12;
        }
    }

    private static long Einsum(NetworkBuilder net, string kind)
    {
        var equation = kind == "einsum" ? "...hw,wd->...dh" : "bchw,cwed->bhed";
        net.Then("Einsum", "m", [kind == "einsum" ? net.Weight("w", 8, 40) : net.Weight("w", 3, 8, 4, 6)], Attribute("equation", equation));
        return kind == "einsum" ? 3 * 40 * 8 : 8 * 4 * 6;
    }

    private static long Table(NetworkBuilder net, int width)
    {
        var graph = net.Model.Graph;
        graph.Initializer.Add(TensorData.Integers("axes", [2, 3], 2));
        graph.Initializer.Add(TensorData.Singles("last", [39f]));
        net.Then("ReduceMean", "mean", ["axes"], Attribute("keepdims", 0)).Then("Sigmoid", "size").Then("Mul", "place", ["last"])
            .Then("Cast", "at", null, Attribute("to", (long)TensorProto.Types.DataType.Int64))
            .Add("Gather", [net.Weight("w", 40, width), "at"], "rows");
        return 3 * width;
    }

    private static long Positions(NetworkBuilder net)
    {
        var graph = net.Model.Graph;
        graph.Initializer.Add(TensorData.Integers("at", [.. Enumerable.Range(0, 64).Select(i => (long)(i * 7 % 40))], 8, 8));
        graph.Initializer.Add(TensorData.Integers("axis", [2], 1));
        net.Add("Gather", [net.Weight("w", 40, 8), "at"], "biases").Then("ReduceMean", "bias", ["axis"], Attribute("keepdims", 0));
        net.Add("Transpose", ["x"], "turned", Attribute("perm", 0, 1, 3, 2)).Add("MatMul", ["x", "turned"], "products")
            .Then("Add", "logits of attention", ["bias"]).Then("Softmax", "attention", null, Attribute("axis", -1))
            .Then("MatMul", "attended", ["x"]);
        return 192;
    }
}
