using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>Writes nodes and constants behind those that a graph has.</summary>
internal sealed class NodeWriter
{
    private readonly GraphProto graph;
    private readonly ISet<string> names;
    private readonly Dictionary<string, Value> constants = [];
    private int count;

    /// <summary>Begins to write.</summary>
    /// <param name="graph">The graph that grows.</param>
    /// <param name="names">Names that are taken; what is written is added.</param>
    public NodeWriter(GraphProto graph, ISet<string> names) => (this.graph, this.names) = (graph, names);

    /// <summary>Adds a node with one output.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Names of its inputs. Shape: [inputs].</param>
    /// <param name="attributes">Its attributes.</param>
    public Value Add(string op, IEnumerable<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var output = Fresh("d");
        graph.Node.Add(NodeExtensions.Node(op, inputs, output, attributes));
        return new Value(this, output);
    }

    /// <summary>A float that stands for itself.</summary>
    public Value Scalar(float value) =>
        Constant($"s{BitConverter.SingleToInt32Bits(value)}", name => TensorData.Singles(name, [value]));

    /// <summary>A float constant.</summary>
    /// <param name="values">Row-major values. Shape: [elements].</param>
    /// <param name="dims">Its shape. Shape: [rank].</param>
    public Value Singles(float[] values, params long[] dims)
    {
        var name = Fresh("c");
        graph.Initializer.Add(TensorData.Singles(name, values, dims));
        return new Value(this, name);
    }

    /// <summary>A list of int64: axes, a shape, pads.</summary>
    public Value Integers(params long[] values) =>
        Constant($"i{ShapeText.Of(values)}", name => TensorData.Integers(name, values, values.Length));

    /// <summary>An int64 that is no list.</summary>
    public Value Integer(long value) => Constant($"n{value}", name => TensorData.Integers(name, [value]));

    /// <summary>A name that is not taken, and now is.</summary>
    public string Fresh(string hint)
    {
        string name;
        do
        {
            name = FormattableString.Invariant($"{hint}{count++}");
        }
        while (!names.Add(name));
        return name;
    }

    private Value Constant(string key, Func<string, TensorProto> make)
    {
        if (!constants.TryGetValue(key, out var value))
        {
            value = new Value(this, Fresh("c"));
            graph.Initializer.Add(make(value.Name));
            constants.Add(key, value);
        }
        return value;
    }
}
