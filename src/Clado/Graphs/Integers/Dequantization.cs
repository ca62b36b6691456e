using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs.Integers;

/// <summary>A graph while its integer operators are rewritten: the nodes so far, and what rules need to add to them.</summary>
/// <param name="graph">The graph.</param>
/// <param name="file">Path that errors name.</param>
internal sealed class Dequantization(GraphProto graph, string file)
{
    private readonly List<NodeProto> nodes = [];

    // Integer tensors that are floats already: casts of them to float are left out.
    private readonly Dictionary<string, string> sums = [];
    private readonly Dictionary<string, string> renamed = [];
    private readonly Dictionary<(string Codes, string Scale, string ZeroPoint), string> known = [];
    private readonly Dictionary<(string, string), string> products = [];

    /// <summary>Its constants.</summary>
    public GridConstants Constants { get; } = new(graph, file);

    /// <summary>Takes over a node: as its rule rewrites it, or as it is.</summary>
    /// <param name="node">The node.</param>
    /// <param name="rule">Its rule, which says whether it could; null where it has none.</param>
    public void Keep(NodeProto node, Func<NodeProto, Dequantization, bool>? rule)
    {
        GraphWalk.Rename(node, renamed);
        bool isOutput = node.Output.Any(name => graph.Output.Any(output => output.Name == name));
        if (node.Is("Cast") && node.Integer("to", 0) == (long)DataType.Float && !isOutput
            && sums.TryGetValue(node.Operand(0), out var sum))
        {
            renamed.Add(node.Output[0], sum);
        }
        else if (rule is null || !rule(node, this))
        {
            nodes.Add(node);
        }
    }

    /// <summary>Gives the graph its new nodes.</summary>
    public void Finish()
    {
        graph.Node.Clear();
        graph.Node.Add(nodes);
    }

    /// <summary>Adds an operator; gives the name of its output.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="inputs">Names of its inputs.</param>
    /// <param name="output">Name of its output; null for a new one.</param>
    /// <param name="attributes">Its attributes.</param>
    public string Add(string op, string[] inputs, string? output = null, params ReadOnlySpan<AttributeProto> attributes)
    {
        output ??= Constants.Fresh($"{inputs[0]}_{op.ToLowerInvariant()}");
        nodes.Add(Node(op, inputs, output, attributes));
        return output;
    }

    /// <summary>
    /// Adds the float operator that an integer operator stands for, under the node's name, and rounds its result to the grid of the output.
    /// </summary>
    /// <param name="node">The integer operator: its attributes, its name and its output.</param>
    /// <param name="op">The float operator.</param>
    /// <param name="inputs">Its inputs, floats.</param>
    /// <param name="scale">Scale of the output; empty where the output is float.</param>
    /// <param name="zeroPoint">Zero point of the output.</param>
    public void Replace(NodeProto node, string op, string[] inputs, string scale = "", string zeroPoint = "")
    {
        var floats = scale.Length == 0 ? node.Output[0] : Constants.Fresh($"{node.Output[0]}_float");
        var made = Node(op, inputs, floats);
        made.Name = node.Name;
        made.Attribute.Add(node.Attribute.Where(a => a.Name is not "channels_last"));
        nodes.Add(made);
        if (scale.Length > 0)
        {
            Add("QuantizeLinear", [floats, scale, zeroPoint], node.Output[0]);
        }
    }

    /// <summary>Says that an integer tensor, a sum of products, has the values of a float one.</summary>
    /// <param name="floats">The float tensor.</param>
    /// <param name="integers">The integer tensor.</param>
    public void Sum(string floats, string integers)
    {
        sums.Add(integers, floats);
        Add("Cast", [floats], integers, Attribute("to", (long)DataType.Int32));
    }

    /// <summary>Makes a tensor float; once, however many read it.</summary>
    /// <param name="codes">The integers.</param>
    /// <param name="scale">Their scale, one for all or one a channel; null for 1.</param>
    /// <param name="zeroPoint">Their zero point; empty for 0.</param>
    /// <param name="axis">Axis of the channels.</param>
    public string Floats(string codes, string? scale, string zeroPoint, int axis = 0)
    {
        scale ??= Constants.Ones(zeroPoint);
        zeroPoint = Constants.Fitted(zeroPoint, scale);
        if (!known.TryGetValue((codes, scale, zeroPoint), out var floats))
        {
            string[] inputs = zeroPoint.Length > 0 ? [codes, scale, zeroPoint] : [codes, scale];
            bool isByChannel = Constants.IsByChannel(scale) || products.ContainsValue(scale);
            floats = isByChannel
                ? Add("DequantizeLinear", inputs, null, Attribute("axis", axis))
                : Add("DequantizeLinear", inputs);
            known.Add((codes, scale, zeroPoint), floats);
        }
        return floats;
    }

    /// <summary>The product of scales, one for all or one a channel.</summary>
    /// <param name="scale">Scale of the one factor.</param>
    /// <param name="scales">Scales of the other.</param>
    public string Product(string scale, string scales)
    {
        if (!products.TryGetValue((scale, scales), out var product))
        {
            product = Add("Mul", [scale, scales]);
            products.Add((scale, scales), product);
        }
        return product;
    }

    /// <summary>Rounds a tensor to a grid of its own range.</summary>
    /// <param name="floats">The tensor.</param>
    /// <returns>Codes, scale and zero point.</returns>
    public (string Codes, string Scale, string ZeroPoint) Rounded(string floats)
    {
        var node = Node("DynamicQuantizeLinear", [floats], Constants.Fresh($"{floats}_codes"));
        node.Output.Add([Constants.Fresh($"{floats}_scale"), Constants.Fresh($"{floats}_zero")]);
        nodes.Add(node);
        return (node.Output[0], node.Output[1], node.Output[2]);
    }
}
