using static Clado.Onnx.AttributeProto.Types;

namespace Clado.Onnx;

/// <summary>Reads, sets and makes nodes and their attributes.</summary>
internal static class NodeExtensions
{
    /// <summary>The node's name, or its operator and first output where it has none: what messages call it.</summary>
    /// <param name="node">The node to name.</param>
    public static string DisplayName(this NodeProto node) =>
        node.Name.Length > 0 ? node.Name : node.Output.Count > 0 ? $"{node.OpType} → {node.Output[0]}" : node.OpType;

    /// <summary>Whether the node is of the standard operator set.</summary>
    /// <param name="node">The node to look at.</param>
    public static bool IsStandard(this NodeProto node) => node.Domain is "" or "ai.onnx";

    /// <summary>Whether the node is the standard operator of that name.</summary>
    /// <param name="node">The node to look at.</param>
    /// <param name="opType">Name of the operator, such as <c>Conv</c>.</param>
    public static bool Is(this NodeProto node, string opType) => node.OpType == opType && node.IsStandard();

    /// <summary>Whether a model rounds activations to integers: it quantizes at run time, itself, in bodies or in its functions.</summary>
    /// <param name="model">The model to look through.</param>
    public static bool RoundsActivations(this ModelProto model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var nodes = model.Functions.SelectMany(f => f.Node).Concat(model.Graph.Node);
        return GraphWalk.AtEveryDepth(nodes).Any(n => n.OpType is "QuantizeLinear" or "DynamicQuantizeLinear");
    }

    /// <summary>Version of the standard operators a model uses; 0 where it imports none.</summary>
    /// <param name="model">The model to look at.</param>
    public static int Opset(this ModelProto model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return (int)(model.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version ?? 0);
    }

    /// <summary>The attribute of that name, or null.</summary>
    /// <param name="node">The node to look in.</param>
    /// <param name="name">Name of the attribute.</param>
    public static AttributeProto? Find(this NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    /// <summary>
    /// Names of an operator's positional inputs, an empty one for an optional input that is absent.
    /// A node with bodies reads more, see <see cref="GraphWalk.Reads(NodeProto)"/>.
    /// </summary>
    /// <param name="node">The node to look at.</param>
    /// <returns>Shape: [inputs].</returns>
    public static IReadOnlyList<string> Operands(this NodeProto node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Input;
    }

    /// <summary>Name of an operator's positional input, empty where it is absent.</summary>
    /// <param name="node">The node to look at.</param>
    /// <param name="slot">Position. Range: [0, inf).</param>
    public static string Operand(this NodeProto node, int slot)
    {
        ArgumentNullException.ThrowIfNull(node);
        return slot < node.Input.Count ? node.Input[slot] : "";
    }

    /// <summary>Gives an operator another positional input; those before it that are not there stay absent.</summary>
    /// <param name="node">The node to change.</param>
    /// <param name="slot">Position. Range: [0, inf).</param>
    /// <param name="name">Name of the tensor.</param>
    public static void SetOperand(this NodeProto node, int slot, string name)
    {
        ArgumentNullException.ThrowIfNull(node);
        while (node.Input.Count <= slot)
        {
            node.Input.Add("");
        }
        node.Input[slot] = name;
    }

    /// <summary>An integer attribute's value.</summary>
    /// <param name="node">The node to look in.</param>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="otherwise">The value where the node has no such attribute.</param>
    public static long Integer(this NodeProto node, string name, long otherwise) => node.Find(name)?.I ?? otherwise;

    /// <summary>A float attribute's value.</summary>
    /// <param name="node">The node to look in.</param>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="otherwise">The value where the node has no such attribute.</param>
    public static float Single(this NodeProto node, string name, float otherwise) => node.Find(name)?.F ?? otherwise;

    /// <summary>An integer list attribute's value, or null.</summary>
    /// <param name="node">The node to look in.</param>
    /// <param name="name">Name of the attribute.</param>
    /// <returns>Shape: [values].</returns>
    public static long[]? Integers(this NodeProto node, string name) => node.Find(name)?.Ints.ToArray();

    /// <summary>A text attribute's value, or null.</summary>
    /// <param name="node">The node to look in.</param>
    /// <param name="name">Name of the attribute.</param>
    public static string? Text(this NodeProto node, string name) => node.Find(name)?.S.ToStringUtf8();

    /// <summary>Takes an attribute off a node.</summary>
    /// <param name="node">The node to change.</param>
    /// <param name="name">Name of the attribute.</param>
    /// <returns>The attribute, or null where there was none.</returns>
    internal static AttributeProto? Take(this NodeProto node, string name)
    {
        var attribute = node.Find(name);
        if (attribute is not null)
        {
            node.Attribute.Remove(attribute);
        }
        return attribute;
    }

    /// <summary>Makes a node.</summary>
    /// <param name="opType">Operator.</param>
    /// <param name="inputs">Names of the inputs; an empty name is an absent optional input. Shape: [inputs].</param>
    /// <param name="output">Name of its output.</param>
    /// <param name="attributes">Attributes, see <see cref="Attribute(string, long)"/>. Shape: [attributes].</param>
    public static NodeProto Node(string opType, IEnumerable<string> inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = new NodeProto { OpType = opType };
        node.Input.Add(inputs);
        node.Output.Add(output);
        node.Attribute.Add(attributes.ToArray());
        return node;
    }

    /// <summary>Makes an integer attribute.</summary>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="value">Its value.</param>
    public static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = AttributeType.Int, I = value };

    /// <summary>Makes a float attribute.</summary>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="value">Its value.</param>
    public static AttributeProto Attribute(string name, float value) => new() { Name = name, Type = AttributeType.Float, F = value };

    /// <summary>Makes an integer list attribute.</summary>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="values">Its values. Shape: [values].</param>
    public static AttributeProto Attribute(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeType.Ints };
        attribute.Ints.Add(values);
        return attribute;
    }

    /// <summary>Makes a text attribute.</summary>
    /// <param name="name">Name of the attribute.</param>
    /// <param name="value">Its value.</param>
    public static AttributeProto Attribute(string name, string value) =>
        new() { Name = name, Type = AttributeType.String, S = Google.Protobuf.ByteString.CopyFromUtf8(value) };
}
