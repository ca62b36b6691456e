using Google.Protobuf.Collections;

namespace Clado.Onnx.Upgrade;

/// <summary>A call of a function, as the nodes that it stands for: names, attributes and bodies are the call's own.</summary>
/// <param name="function">The function.</param>
/// <param name="call">The node that calls it.</param>
/// <param name="constants">Names that constants of the function have around it, by those in it.</param>
/// <param name="fresh">Gives a name that nothing else has.</param>
internal sealed class FunctionCall(
    FunctionProto function, NodeProto call, IReadOnlyDictionary<string, string> constants, Func<string, string> fresh)
{
    private readonly Dictionary<string, AttributeProto> attributes =
        function.AttributeProto.Concat(call.Attribute).GroupBy(a => a.Name).ToDictionary(g => g.Key, g => g.Last());

    /// <summary>The nodes. Shape: [nodes].</summary>
    public NodeProto[] Nodes()
    {
        var names = constants.ToDictionary();
        var passed = new List<NodeProto>();
        for (int i = 0; i < function.Input.Count; i++)
        {
            names[function.Input[i]] = call.Operand(i);
        }
        for (int i = 0; i < function.Output.Count; i++)
        {
            var (own, wanted) = (function.Output[i], i < call.Output.Count ? call.Output[i] : "");
            if (function.Input.Contains(own))
            {
                passed.AddRange(wanted.Length > 0 ? [NodeExtensions.Node("Identity", [names[own]], wanted)] : []);
            }
            else
            {
                names[own] = wanted.Length > 0 ? wanted : fresh(own);
            }
        }
        var nodes = function.Node.Where(node => node.Output is not [var made] || !constants.ContainsKey(made)).ToArray();
        foreach (var made in nodes.SelectMany(node => node.Output).Where(made => made.Length > 0 && !names.ContainsKey(made)))
        {
            names[made] = fresh(made);
        }
        return [.. nodes.Select(node => Instance(node, names)), .. passed];
    }

    private NodeProto Instance(NodeProto node, Dictionary<string, string> names)
    {
        var instance = node.Clone();
        instance.Name = (call.Name, node.Name) switch
        {
            ("", var inner) => inner,
            (var outer, "") => $"{outer}/{node.OpType}",
            var (outer, inner) => $"{outer}/{inner}",
        };
        Rename(instance.Input, names);
        Rename(instance.Output, names);
        instance.Attribute.Clear();
        instance.Attribute.Add(node.Attribute.Select(attribute => Resolved(attribute, names)).OfType<AttributeProto>());
        return instance;
    }

    /// <summary>An attribute with the value that the call gives it; null where neither it nor the function does.</summary>
    private AttributeProto? Resolved(AttributeProto attribute, Dictionary<string, string> names)
    {
        if (attribute.RefAttrName.Length == 0)
        {
            var own = attribute.Clone();
            foreach (var body in own.G is { } single ? own.Graphs.Append(single) : own.Graphs)
            {
                Instantiate(body, names);
            }
            return own;
        }
        var given = attributes.GetValueOrDefault(attribute.RefAttrName)?.Clone();
        if (given is not null)
        {
            given.Name = attribute.Name;
        }
        return given;
    }

    /// <summary>A body sees the names around it; what it defines itself gets names of its own.</summary>
    private void Instantiate(GraphProto body, Dictionary<string, string> around)
    {
        var names = around.ToDictionary();
        foreach (var own in GraphWalk.Defines(body).Where(own => own.Length > 0).Distinct().ToArray())
        {
            names[own] = fresh(own);
        }
        foreach (var value in body.Input.Concat(body.Output).Concat(body.ValueInfo))
        {
            value.Name = names.GetValueOrDefault(value.Name, value.Name);
        }
        foreach (var tensor in body.Initializer.Concat(body.SparseInitializer.Select(sparse => sparse.Values)))
        {
            tensor.Name = names.GetValueOrDefault(tensor.Name, tensor.Name);
        }
        var nodes = body.Node.Select(node => Instance(node, names)).ToArray();
        body.Node.Clear();
        body.Node.Add(nodes);
    }

    private static void Rename(RepeatedField<string> list, Dictionary<string, string> names)
    {
        for (int i = 0; i < list.Count; i++)
        {
            list[i] = names.GetValueOrDefault(list[i], list[i]);
        }
    }
}
